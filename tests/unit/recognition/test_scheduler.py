import pytest

from recognition_support import a_job
from vivavoce.recognition.jobs import PATIENCE, Job
from vivavoce.recognition.scheduler import Displaced, Scheduler


def taken(scheduler: Scheduler, now: float = 0.0, max_batch: int = 1) -> tuple[Job, ...]:
    return scheduler.next_batch("scripted", now, max_batch)


def test_an_empty_queue_gives_nothing() -> None:
    assert taken(Scheduler()) == ()


def test_the_earliest_deadline_is_served_first() -> None:
    scheduler = Scheduler()
    late, early = a_job(deadline=2, session="late"), a_job(deadline=1, session="early")
    scheduler.submit(late, 0)
    scheduler.submit(early, 0)
    assert [taken(scheduler), taken(scheduler)] == [(early,), (late,)]


def test_a_final_goes_before_partials_whose_deadline_is_earlier() -> None:
    scheduler = Scheduler()
    partial = a_job("first_partial", session="other", deadline=1)
    final = a_job(deadline=2)
    scheduler.submit(partial, 0)
    scheduler.submit(final, 0)
    assert [taken(scheduler), taken(scheduler)] == [(final,), (partial,)]


def test_a_newer_partial_of_a_channel_replaces_the_waiting_one() -> None:
    scheduler = Scheduler()
    older, newer = a_job("refresh_partial", deadline=1), a_job("refresh_partial", deadline=2)
    scheduler.submit(older, 0)
    assert scheduler.submit(newer, 0) == Displaced(superseded=(older,))
    assert taken(scheduler) == (newer,)
    assert scheduler.superseded == 1


def test_channels_of_a_session_do_not_replace_each_other() -> None:
    scheduler = Scheduler()
    left = a_job("refresh_partial", channel=0, deadline=1)
    right = a_job("refresh_partial", channel=1, deadline=2)
    scheduler.submit(left, 0)
    assert scheduler.submit(right, 0) == Displaced()
    assert [taken(scheduler), taken(scheduler)] == [(left,), (right,)]


def test_a_replaced_partial_leaves_its_place_to_the_newer_one() -> None:
    """Else a channel that asks faster than it is served would never be served."""
    scheduler = Scheduler()
    scheduler.submit(a_job("refresh_partial", session="hasty", deadline=1), 0)
    scheduler.submit(a_job("refresh_partial", session="other", deadline=2), 0)
    newer = a_job("refresh_partial", session="hasty", deadline=3)
    scheduler.submit(newer, 0)
    assert taken(scheduler) == (newer,)


def test_a_served_channel_goes_back_to_the_end() -> None:
    scheduler = Scheduler()
    scheduler.submit(a_job("refresh_partial", session="served", deadline=1), 0)
    taken(scheduler)
    scheduler.submit(a_job("refresh_partial", session="served", deadline=3), 0)
    waiting = a_job("refresh_partial", session="other", deadline=2)
    scheduler.submit(waiting, 0)
    assert taken(scheduler) == (waiting,)


@pytest.mark.parametrize("kind", ["first_partial", "refresh_partial"])
def test_a_final_supersedes_the_partial_of_its_channel(kind: str) -> None:
    scheduler = Scheduler()
    partial = a_job("first_partial" if kind == "first_partial" else "refresh_partial")
    final = a_job()
    scheduler.submit(partial, 0)
    assert scheduler.submit(final, 0) == Displaced(superseded=(partial,))
    assert taken(scheduler) == (final,)
    assert len(scheduler) == 0


def test_a_question_for_a_language_goes_before_partials_and_replaces_none() -> None:
    scheduler = Scheduler()
    partial, question = a_job("first_partial", deadline=1), a_job("language", deadline=2)
    scheduler.submit(partial, 0)
    assert scheduler.submit(question, 0) == Displaced()
    assert [taken(scheduler), taken(scheduler)] == [(question,), (partial,)]


def test_a_partial_and_a_final_leave_the_question_for_their_language_waiting() -> None:
    scheduler = Scheduler()
    question = a_job("language", deadline=1)
    scheduler.submit(question, 0)
    assert scheduler.submit(a_job("first_partial", deadline=2), 0) == Displaced()
    final = a_job(deadline=3)
    scheduler.submit(final, 0)
    assert [taken(scheduler), taken(scheduler)] == [(question,), (final,)]


def test_a_lost_partial_comes_back_though_its_language_is_asked_for() -> None:
    scheduler = Scheduler()
    partial = a_job("first_partial", deadline=1)
    scheduler.submit(a_job("language", deadline=2), 0)
    assert scheduler.restore(partial, 0) == Displaced()
    assert len(scheduler) == 2


def test_two_finals_of_a_channel_both_wait() -> None:
    scheduler = Scheduler()
    first, second = a_job(deadline=1), a_job(deadline=2)
    scheduler.submit(first, 0)
    scheduler.submit(second, 0)
    assert [taken(scheduler), taken(scheduler)] == [(first,), (second,)]


def test_over_the_bound_the_refresh_with_the_latest_deadline_is_shed() -> None:
    scheduler = Scheduler(max_waiting_partials=2)
    first = a_job("first_partial", session="a", deadline=9)
    refresh = a_job("refresh_partial", session="b", deadline=5)
    scheduler.submit(first, 0)
    scheduler.submit(refresh, 0)
    latest = a_job("refresh_partial", session="c", deadline=6)
    assert scheduler.submit(latest, 0) == Displaced(shed=(latest,))
    assert scheduler.shed == 1
    assert [taken(scheduler), taken(scheduler)] == [(first,), (refresh,)]


def test_first_partials_are_shed_when_nothing_else_is_left() -> None:
    scheduler = Scheduler(max_waiting_partials=1)
    kept, shed = (a_job("first_partial", session=str(n), deadline=n) for n in (1, 2))
    scheduler.submit(kept, 0)
    assert scheduler.submit(shed, 0) == Displaced(shed=(shed,))


def test_a_channel_whose_partial_was_shed_keeps_its_place() -> None:
    scheduler = Scheduler(max_waiting_partials=1)
    scheduler.submit(a_job("refresh_partial", session="a", deadline=1), 0)
    scheduler.submit(a_job("refresh_partial", session="unlucky", deadline=2), 0)
    taken(scheduler)
    served_again = a_job("refresh_partial", session="a", deadline=3)
    scheduler.submit(served_again, 0)
    retry = a_job("refresh_partial", session="unlucky", deadline=4)
    assert scheduler.submit(retry, 0) == Displaced(shed=(served_again,))
    assert taken(scheduler) == (retry,)


def test_finals_are_never_shed() -> None:
    scheduler = Scheduler(max_waiting_partials=1)
    finals = [a_job(session=str(n), deadline=n) for n in range(50)]
    assert all(scheduler.submit(final, 0) == Displaced() for final in finals)
    assert [taken(scheduler)[0] for _ in finals] == finals


def test_a_batch_gathers_jobs_of_alike_length_in_their_order() -> None:
    scheduler = Scheduler()
    lengths = [16_000, 19_000, 40_000, 17_000, 16_500, 16_200]
    jobs = [
        a_job("refresh_partial", session=str(n), deadline=n, samples=size)
        for n, size in enumerate(lengths)
    ]
    for job in jobs:
        scheduler.submit(job, 0)
    assert taken(scheduler, max_batch=4) == (jobs[0], jobs[1], jobs[3], jobs[4])
    assert taken(scheduler, max_batch=4) == (jobs[2],)
    assert taken(scheduler, max_batch=4) == (jobs[5],)


def test_no_two_jobs_of_a_batch_differ_by_more_than_a_quarter() -> None:
    scheduler = Scheduler()
    lengths = [100, 85, 120]
    jobs = [
        a_job("refresh_partial", session=str(n), deadline=n, samples=size)
        for n, size in enumerate(lengths)
    ]
    for job in jobs:
        scheduler.submit(job, 0)
    assert taken(scheduler, max_batch=4) == (jobs[0], jobs[1])


def test_a_final_shares_no_batch() -> None:
    scheduler = Scheduler()
    finals = [a_job(session=str(n), deadline=n) for n in range(2)]
    for job in (*finals, a_job("first_partial", session="other")):
        scheduler.submit(job, 0)
    assert [taken(scheduler, max_batch=4) for _ in finals] == [(final,) for final in finals]


def test_an_engine_gets_its_own_jobs_only() -> None:
    scheduler = Scheduler()
    other = a_job("refresh_partial", session="other", engine="whisper", deadline=0)
    mine = a_job("refresh_partial", session="mine", deadline=1)
    scheduler.submit(other, 0)
    scheduler.submit(mine, 0)
    assert taken(scheduler, max_batch=4) == (mine,)
    assert scheduler.next_batch("whisper", 0, 4) == (other,)


def test_a_job_that_must_be_alone_shares_no_batch() -> None:
    scheduler = Scheduler()
    alone = a_job("refresh_partial", deadline=1)
    others = [a_job("refresh_partial", session=str(n), deadline=n) for n in (0, 2)]
    scheduler.submit(alone, 0, alone=True)
    for job in others:
        scheduler.submit(job, 0)
    assert taken(scheduler, max_batch=4) == tuple(others)
    assert taken(scheduler, max_batch=4) == (alone,)


def test_a_withdrawn_job_is_gone_and_can_be_withdrawn_again() -> None:
    scheduler = Scheduler()
    job = a_job()
    scheduler.submit(job, 0)
    scheduler.withdraw(job)
    scheduler.withdraw(job)
    assert taken(scheduler) == ()


def test_cancelling_a_session_takes_out_all_its_jobs_and_no_other() -> None:
    scheduler = Scheduler()
    mine = (a_job(session="mine", deadline=1), a_job("first_partial", session="mine", channel=1))
    other = a_job(session="other")
    for job in (*mine, other):
        scheduler.submit(job, 0)
    assert scheduler.cancel("mine") == mine
    assert taken(scheduler) == (other,)


def test_a_restored_final_keeps_its_place() -> None:
    scheduler = Scheduler()
    lost, waiting = a_job(deadline=1), a_job(session="other", deadline=1)
    scheduler.submit(lost, 0)
    taken(scheduler)
    scheduler.submit(waiting, 0)
    assert scheduler.restore(lost, 5) == Displaced()
    assert taken(scheduler, max_batch=4) == (lost,)


@pytest.mark.parametrize("newer", ["final", "refresh_partial"])
def test_a_restored_partial_gives_way_to_whatever_its_channel_asked_since(newer: str) -> None:
    scheduler = Scheduler()
    lost = a_job("first_partial")
    scheduler.submit(lost, 0)
    taken(scheduler)
    scheduler.submit(a_job("final" if newer == "final" else "refresh_partial"), 0)
    assert scheduler.restore(lost, 0) == Displaced(superseded=(lost,))


def test_a_restored_partial_shares_no_batch_and_has_had_its_turn() -> None:
    scheduler = Scheduler()
    lost, waiting = (a_job("refresh_partial", session=str(n), deadline=n) for n in range(2))
    scheduler.submit(lost, 0)
    taken(scheduler)
    scheduler.submit(waiting, 0)
    scheduler.restore(lost, 0)
    assert taken(scheduler, max_batch=4) == (waiting,)
    assert taken(scheduler, max_batch=4) == (lost,)


def test_the_queue_is_as_old_as_the_longest_waiting_channel() -> None:
    scheduler = Scheduler()
    assert scheduler.queue_age(3.0) == 0.0
    scheduler.submit(a_job("refresh_partial"), 1.0)
    scheduler.submit(a_job("refresh_partial"), 2.0)
    assert scheduler.queue_age(4.0) == 3.0
    taken(scheduler)
    assert scheduler.queue_age(4.0) == 0.0


def test_jobs_taken_after_their_deadline_are_counted() -> None:
    scheduler = Scheduler()
    scheduler.submit(a_job(deadline=1), 0)
    scheduler.submit(a_job(deadline=5), 0)
    taken(scheduler, now=2.0)
    taken(scheduler, now=2.0)
    assert scheduler.late == 1


def test_a_bound_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Scheduler(max_waiting_partials=0)


def test_a_foreseen_final_goes_after_finals_and_before_the_refreshes_of_its_time() -> None:
    scheduler = Scheduler()
    refresh = a_job("refresh_partial", session="r", deadline=PATIENCE["refresh_partial"])
    foreseen = a_job("foreseen", session="f", deadline=PATIENCE["foreseen"])
    first = a_job("first_partial", session="p", deadline=PATIENCE["first_partial"])
    final = a_job(deadline=2)
    for job in (refresh, foreseen, first, final):
        scheduler.submit(job, 0)
    assert [taken(scheduler)[0] for _ in range(4)] == [final, first, foreseen, refresh]


def test_a_confirmed_final_goes_before_partials_in_the_order_of_its_new_deadline() -> None:
    scheduler = Scheduler()
    foreseen, other = a_job("foreseen", deadline=9), a_job(session="other", deadline=2)
    partial = a_job("first_partial", session="third", deadline=0)
    for job in (partial, foreseen, other):
        scheduler.submit(job, 0)
    assert scheduler.confirm(foreseen, 1.0, 0.5) == Displaced()
    assert [taken(scheduler)[0] for _ in range(3)] == [foreseen, other, partial]


def test_a_foreseen_final_leaves_the_partial_of_its_channel_waiting_until_it_is_confirmed() -> None:
    scheduler = Scheduler()
    partial, foreseen = a_job("refresh_partial", deadline=1), a_job("foreseen")
    scheduler.submit(partial, 0)
    assert scheduler.submit(foreseen, 0) == Displaced()
    assert scheduler.confirm(foreseen, 1.0, 0) == Displaced(superseded=(partial,))
    assert taken(scheduler) == (foreseen,)
    assert len(scheduler) == 0


def test_confirming_again_changes_nothing() -> None:
    scheduler = Scheduler()
    foreseen, other = a_job("foreseen"), a_job(session="other", deadline=2)
    scheduler.submit(foreseen, 0)
    scheduler.submit(other, 0)
    scheduler.confirm(foreseen, 1.0, 0)
    assert scheduler.confirm(foreseen, 5.0, 0) == Displaced()
    assert [taken(scheduler)[0] for _ in range(2)] == [foreseen, other]


def test_a_foreseen_final_shares_no_batch() -> None:
    scheduler = Scheduler()
    foreseen = a_job("foreseen", session="f", deadline=1)
    partials = [a_job("refresh_partial", session=str(n), deadline=2 * n) for n in range(2)]
    for job in (foreseen, *partials):
        scheduler.submit(job, 0)
    assert taken(scheduler, max_batch=4) == (foreseen,)
    assert taken(scheduler, max_batch=4) == tuple(partials)


def test_a_session_of_eight_channels_has_no_more_than_its_share() -> None:
    scheduler = Scheduler()
    sources = [("one", 0), *(("many", channel) for channel in range(8))]
    served: list[str] = []
    for turn in range(40):
        for session, channel in sources:
            job = a_job("refresh_partial", session=session, channel=channel, deadline=turn + 1)
            scheduler.submit(job, turn)
        served += [job.session for job in taken(scheduler, turn)]
    assert served.count("one") == served.count("many")


def test_the_channels_of_a_session_take_turns() -> None:
    scheduler = Scheduler()
    served: list[int] = []
    for turn in range(12):
        for channel in range(4):
            scheduler.submit(
                a_job("refresh_partial", channel=channel, deadline=turn + channel / 8), turn
            )
        served += [job.channel for job in taken(scheduler, turn)]
    assert served == [0, 1, 2, 3] * 3


def test_speech_is_shared_not_turns() -> None:
    scheduler = Scheduler()
    served: list[str] = []
    for turn in range(30):
        now = turn / 100
        for session, samples in (("long", 32_000), ("short", 16_000)):
            job = a_job("refresh_partial", session=session, samples=samples, deadline=now + 1)
            scheduler.submit(job, now)
        served += [job.session for job in taken(scheduler, now)]
    assert served.count("short") == 2 * served.count("long")


def test_a_pause_is_not_saved_up() -> None:
    scheduler = Scheduler()
    for turn in range(20):
        scheduler.submit(a_job("refresh_partial", session="talks", deadline=turn + 1), turn)
        taken(scheduler, turn)
    served: list[str] = []
    for turn in range(20, 30):
        for session in ("talks", "came back"):
            scheduler.submit(a_job("refresh_partial", session=session, deadline=turn + 1), turn)
        served += [job.session for job in taken(scheduler, turn)]
    assert served.count("talks") == 5


def test_a_first_partial_goes_before_refreshes_that_have_waited_less_than_their_patience() -> None:
    scheduler = Scheduler()
    scheduler.submit(a_job("refresh_partial", session="r", deadline=1.0), 0)
    first = a_job("first_partial", session="f", deadline=1.2)
    scheduler.submit(first, 0.9)
    assert taken(scheduler, 0.9) == (first,)


def test_a_refresh_past_its_deadline_is_passed_by_no_more() -> None:
    scheduler = Scheduler()
    refresh = a_job("refresh_partial", session="r", deadline=1.0)
    scheduler.submit(refresh, 0)
    scheduler.submit(a_job("first_partial", session="f", deadline=1.3), 1.0)
    scheduler.submit(a_job("foreseen", session="g", deadline=1.5), 1.0)
    assert taken(scheduler, 1.0) == (refresh,)


def test_a_channel_whose_partial_is_replaced_has_not_been_away() -> None:
    """Else its session would begin anew behind the others with everything that it asks."""
    scheduler = Scheduler()
    scheduler.submit(a_job("refresh_partial", session="patient", deadline=5), 0)
    for turn in range(4):  # first partials go before, and take the virtual time along
        session = "ab"[turn % 2]
        scheduler.submit(a_job("first_partial", session=session, deadline=5), 0)
        assert taken(scheduler, 0)[0].session == session
        scheduler.submit(a_job("refresh_partial", session="patient", deadline=5), 0)
    scheduler.submit(a_job("refresh_partial", session="c", deadline=4), 0)
    assert taken(scheduler)[0].session == "patient"


def test_a_batch_is_made_of_several_sessions_rather_than_of_one() -> None:
    scheduler = Scheduler()
    many = [a_job("refresh_partial", session="many", channel=n, deadline=1) for n in range(4)]
    ones = [a_job("refresh_partial", session=str(n), deadline=2) for n in range(3)]
    for job in (*many, *ones):
        scheduler.submit(job, 0)
    assert taken(scheduler, max_batch=4) == (many[0], *ones)


def test_a_final_asked_for_ahead_of_time_gives_way_to_those_who_speak_now() -> None:
    scheduler = Scheduler()
    file, later = a_job(session="file", deadline=60), a_job(session="file", deadline=90)
    partial = a_job("refresh_partial", deadline=1)
    for job in (later, file, partial):
        scheduler.submit(job, 0)
    assert scheduler.queue_age(0.5) == 0.5
    assert [taken(scheduler)[0] for _ in range(3)] == [partial, file, later]
    assert scheduler.late == 0


def test_a_final_asked_for_ahead_of_time_goes_first_when_its_time_has_come() -> None:
    scheduler = Scheduler()
    file = a_job(session="file", deadline=60)
    scheduler.submit(file, 0)
    scheduler.submit(a_job("first_partial", deadline=59), 58.7)
    assert taken(scheduler, 58.7) == (file,)


def test_a_file_goes_before_its_own_partials() -> None:
    scheduler = Scheduler()
    final, partial = a_job(deadline=60), a_job("refresh_partial", channel=1, deadline=55)
    scheduler.submit(partial, 0)
    scheduler.submit(final, 0)
    assert taken(scheduler) == (final,)
