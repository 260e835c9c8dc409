from vivavoce.recognition.slot import Backoff


def test_the_first_two_losses_cost_no_wait_and_the_next_double_it() -> None:
    backoff = Backoff()
    assert [backoff.lost(0.0) for _ in range(6)] == [0, 0, 1, 2, 4, 8]


def test_the_wait_stays_bounded() -> None:
    backoff = Backoff()
    assert max(backoff.lost(0.0) for _ in range(2000)) == Backoff.LONGEST


def test_an_answer_ends_the_streak() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.lost(0.0)
    backoff.succeeded()
    assert (backoff.streak, backoff.lost(0.0)) == (0, 0.0)


def test_losses_far_apart_are_no_streak() -> None:
    backoff = Backoff()
    assert [backoff.lost(61.0 * n) for n in range(10)] == [0.0] * 10


def test_losses_as_far_apart_as_the_longest_wait_are_a_streak() -> None:
    backoff = Backoff()
    waits = [backoff.lost((Backoff.LONGEST + 5) * n) for n in range(10)]
    assert waits[-1] == Backoff.LONGEST


def test_workers_that_could_not_start_are_a_streak_however_long_each_took() -> None:
    backoff = Backoff()
    waits = [backoff.lost(121.0 * n, started=False) for n in range(10)]
    assert backoff.streak == 10
    assert waits[-1] == Backoff.LONGEST
