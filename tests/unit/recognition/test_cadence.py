from vivavoce.recognition.cadence import FASTEST, SLOWEST, STEP, Cadence

HERE = ("s", 0)


def asked(cadence: Cadence, since: float, seconds: float, *, every: float = 0.05) -> int:
    """How many refreshes of a channel are admitted that asks all the time."""
    times = [since + turn * every for turn in range(round(seconds / every))]
    return sum(cadence.admits(HERE, now, now) for now in times)


def loaded(cadence: Cadence, since: float, seconds: float, waited: float) -> float:
    """Have jobs wait for a while; gives the time after that."""
    turns = round(seconds / STEP)
    for turn in range(turns):
        cadence.note(waited, since + turn * STEP)
    return since + turns * STEP


def test_an_idle_machine_refreshes_four_times_a_second() -> None:
    assert asked(Cadence(), 100.0, 10.0) == 40


def test_who_asks_at_other_times_than_are_due_keeps_the_rate() -> None:
    cadence = Cadence()
    cadence.note(0.1, loaded(cadence, 0.0, 0.75, waited=0.2))
    assert cadence.interval is not None
    interval = cadence.interval
    turns = [0.75 + turn * 0.3 for turn in range(40)]
    admitted = 0
    for now in turns:
        cadence.note(0.1, now)  # neither calm nor busy
        admitted += cadence.admits(HERE, now, now)
    assert interval == cadence.interval
    assert abs(admitted - 12 / interval) <= 2


def test_jobs_that_wait_slow_the_refreshes_down_to_one_a_second() -> None:
    cadence = Cadence()
    now = loaded(cadence, 0.0, 5.0, waited=0.3)
    assert cadence.interval == SLOWEST
    cadence.note(0.3, now)
    assert asked(cadence, now, STEP) == 1


def test_there_are_no_refreshes_while_jobs_wait_though_there_are_hardly_any() -> None:
    cadence = Cadence()
    now = loaded(cadence, 0.0, 5.0, waited=0.6)
    assert cadence.interval is None
    assert not cadence.admits(HERE, now, now)
    assert cadence.spared == 1


def test_refreshes_come_back_when_the_queue_has_been_calm_for_a_while() -> None:
    cadence = Cadence()
    now = loaded(cadence, 0.0, 5.0, waited=0.6)
    now = loaded(cadence, now, 0.75, waited=0.0)
    assert not cadence.admits(HERE, now, now)
    now = loaded(cadence, now, 1.0, waited=0.0)
    assert cadence.admits(HERE, now, now)
    now = loaded(cadence, now, 5.0, waited=0.0)
    assert cadence.interval == FASTEST


def test_one_hiccup_does_not_end_the_refreshes() -> None:
    cadence = Cadence()
    cadence.note(3.0, 10.0)
    now = loaded(cadence, 10.25, 1.0, waited=0.0)
    assert cadence.interval is not None
    assert cadence.interval < 2 * FASTEST
    assert cadence.admits(HERE, now, now)


def test_a_machine_that_was_left_alone_has_recovered() -> None:
    cadence = Cadence()
    now = loaded(cadence, 0.0, 5.0, waited=0.6)
    assert cadence.admits(HERE, now + 60, now + 60)
    assert cadence.interval == FASTEST


def test_every_channel_has_its_own_turn() -> None:
    cadence = Cadence()
    assert [cadence.admits(("s", channel), 1.0, 1.0) for channel in (0, 1, 0)] == [
        True,
        True,
        False,
    ]


def test_an_ended_session_leaves_nothing_behind() -> None:
    cadence = Cadence()
    cadence.admits(HERE, 1.0, 1.0)
    cadence.forget("s")
    assert cadence.admits(HERE, 1.0, 1.0)


def test_under_a_load_that_refreshes_make_the_interval_settles_between_its_bounds() -> None:
    """Twelve channels on a worker that needs 40 ms for each: at the fastest it would be lost."""
    cadence, now, free_at = Cadence(), 0.0, 0.0
    seen: list[float] = []
    while now < 60.0:
        for channel in range(12):
            if cadence.admits(("s", channel), now, now):
                free_at = max(free_at, now) + 0.04
                cadence.note(free_at - now - 0.04, now)
        now += 0.05
        if now > 20.0:
            assert cadence.interval is not None
            seen.append(cadence.interval)
    assert FASTEST < sum(seen) / len(seen) < SLOWEST


def test_a_file_that_is_sent_at_once_has_refreshes_at_the_pace_of_speech() -> None:
    cadence = Cadence()
    admitted = [cadence.admits(HERE, 100.0 + tenths / 10, 100.0) for tenths in range(100)]
    assert sum(admitted) in {39, 40, 41}
