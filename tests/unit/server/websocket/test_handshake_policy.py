import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.handshakes import Handshakes, Pacing

PACING = Pacing(rate=10, burst=5, held_seconds=5, most_held=1000)


def through(policy: Handshakes, now: float) -> dict[int, float]:
    """When each of those who wait gets in; refused ones never do."""
    entered: dict[int, float] = {}
    while policy.held:
        verdict = policy.decide(now)
        entered |= dict.fromkeys(verdict.admitted, now)
        entered |= dict.fromkeys(verdict.refused, math.inf)
        now += policy.wait() or 0
    return entered


def test_a_few_pass_at_once_and_the_rest_one_by_one_in_order() -> None:
    policy = Handshakes(PACING, 0)
    tickets = [policy.arrive(0, resumes=True) for _ in range(8)]
    entered = through(policy, 0)
    assert list(entered) == tickets
    assert list(entered.values()) == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2, 0.3], abs=0.01)


def test_who_resumes_a_session_goes_before_who_begins_one() -> None:
    policy = Handshakes(PACING, 0)
    new = [policy.arrive(0, resumes=False) for _ in range(10)]
    back = [policy.arrive(0, resumes=True) for _ in range(10)]
    assert list(through(policy, 0)) == back + new


def test_nobody_is_held_longer_than_said_and_then_is_refused() -> None:
    policy = Handshakes(PACING, 0)
    for _ in range(100):
        policy.arrive(0, resumes=True)
    entered = through(policy, 0)
    admitted = [at for at in entered.values() if at < math.inf]
    assert max(admitted) <= 5
    assert 54 <= len(admitted) <= 56


def test_beyond_the_most_held_one_is_refused_at_once() -> None:
    policy = Handshakes(Pacing(most_held=2), 0)
    tickets = [policy.arrive(0, resumes=True) for _ in range(3)]
    assert tickets[2] is None
    assert policy.held == 2


def test_who_left_the_line_costs_no_turn() -> None:
    policy = Handshakes(Pacing(rate=10, burst=1), 0)
    first, gone, last = (policy.arrive(0, resumes=True) for _ in range(3))
    assert gone is not None
    policy.leave(gone)
    entered = through(policy, 0)
    assert list(entered) == [first, last]
    assert entered[last or 0] == pytest.approx(0.1, abs=0.01)


def test_two_hundred_that_come_back_at_once_are_all_in_within_the_time_of_one_attempt() -> None:
    policy = Handshakes(Pacing(), 0)
    for _ in range(200):
        policy.arrive(0, resumes=True)
    entered = through(policy, 0)
    assert max(entered.values()) < 2


@given(st.lists(st.tuples(st.floats(0, 0.2), st.booleans()), min_size=1, max_size=200))
def test_everybody_gets_an_answer_and_no_more_enter_than_tokens_allow(
    arrivals: list[tuple[float, bool]],
) -> None:
    policy = Handshakes(PACING, 0)
    now, tickets, admitted, answered = 0.0, set(), 0, set()
    for gap, resumes in arrivals:
        now += gap
        tickets.add(policy.arrive(now, resumes=resumes))
        verdict = policy.decide(now)
        admitted += len(verdict.admitted)
        answered |= {*verdict.admitted, *verdict.refused}
        assert admitted <= PACING.burst + PACING.rate * now + 1
    assert answered | set(through(policy, now)) == tickets
