import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.websocket.handshake_policy import HandshakePolicy, Pacing

PACING = Pacing(rate=10, burst=5, held_seconds=5, most_held=1000)


def arrivals(policy: HandshakePolicy, count: int, kind: str, *, resumes: bool) -> list[int]:
    """Handshakes of as many tokens at once."""
    found = [policy.arrive(0, f"{kind}{n}", resumes=resumes).ticket for n in range(count)]
    return [ticket for ticket in found if ticket is not None]


def through(policy: HandshakePolicy, now: float) -> dict[int, float]:
    """When each of those who wait gets in; refused ones never do."""
    entered: dict[int, float] = {}
    while policy.held:
        verdict = policy.decide(now)
        entered |= dict.fromkeys(verdict.admitted, now)
        entered |= dict.fromkeys(verdict.refused, math.inf)
        now += policy.wait() or 0
    return entered


def test_a_few_pass_at_once_and_the_rest_one_by_one_in_order() -> None:
    policy = HandshakePolicy(PACING, 0)
    tickets = arrivals(policy, 8, "a", resumes=True)
    entered = through(policy, 0)
    assert list(entered) == tickets
    assert list(entered.values()) == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2, 0.3], abs=0.01)


def test_three_resume_for_each_that_is_new() -> None:
    policy = HandshakePolicy(PACING, 0)
    new = arrivals(policy, 10, "new", resumes=False)
    back = arrivals(policy, 20, "back", resumes=True)
    order = list(through(policy, 0))
    assert order[:8] == [*back[:3], new[0], *back[3:6], new[1]]
    assert sorted(order) == sorted(new + back)
    assert [ticket for ticket in order if ticket in new] == new


def test_no_token_keeps_new_clients_out() -> None:
    """One client that repeated its handshake 250 times had every new client refused."""
    policy = HandshakePolicy(Pacing(), 0)
    for _ in range(250):
        policy.arrive(0, "the same", resumes=True)
    new = policy.arrive(0, "new", resumes=False).ticket
    assert policy.held == 2
    assert new in policy.decide(0).admitted


def test_a_full_queue_of_those_who_resume_leaves_room_for_the_new() -> None:
    policy = HandshakePolicy(Pacing(most_held=100, burst=1), 0)
    assert len(arrivals(policy, 200, "back", resumes=True)) == 100
    assert len(arrivals(policy, 10, "new", resumes=False)) == 10
    new = {ticket for ticket in through(policy, 0) if ticket >= 100}
    assert len(new) == 10


def test_a_later_handshake_of_a_token_takes_the_place_of_the_earlier() -> None:
    policy = HandshakePolicy(Pacing(rate=10, burst=1), 0)
    first, mine, last = arrivals(policy, 3, "a", resumes=True)
    again = policy.arrive(1, "a1", resumes=True)
    assert again.superseded == mine
    assert policy.held == 3
    policy.leave(mine)  # the earlier one goes, and takes nothing with it
    assert list(through(policy, 1)) == [first, again.ticket, last]


def test_a_client_that_retries_at_once_is_let_in_every_time() -> None:
    """Published clients try six times, without a wait of their own."""
    policy = HandshakePolicy(Pacing(), 0)
    for _ in range(6):
        ticket = policy.arrive(0, "a", resumes=True).ticket
        assert policy.decide(0).admitted == (ticket,)


def test_a_token_is_let_in_once_a_second_in_the_long_run() -> None:
    policy = HandshakePolicy(Pacing(), 0)
    admitted, now = 0, 0.0
    while now < 60:
        policy.arrive(now, "a", resumes=True)
        admitted += len(policy.decide(now).admitted)
        now += 0.01
    assert 64 <= admitted <= 66
    ticket = policy.arrive(now, "a", resumes=True).ticket
    entered = through(policy, now)
    assert entered[ticket or 0] <= now + 1.1, "it is held, not refused"


def test_attempts_that_were_given_up_cost_their_token_nothing() -> None:
    policy = HandshakePolicy(Pacing(burst=1), 0)
    policy.arrive(0, "other", resumes=True)
    policy.decide(0)
    for _ in range(100):
        ticket = policy.arrive(0, "a", resumes=True).ticket
        assert ticket is not None
        policy.leave(ticket)
    policy.arrive(1, "a", resumes=True)
    assert len(policy.decide(1).admitted) == 1


def test_tokens_are_forgotten() -> None:
    policy = HandshakePolicy(Pacing(rate=10**6, burst=10**6), 0)
    for number in range(1000):
        policy.arrive(number * 0.01, number, resumes=False)
        policy.decide(number * 0.01)
    assert len(policy._tokens) <= 110  # noqa: SLF001  the memory is what matters


def test_nobody_is_held_longer_than_said_and_then_is_refused() -> None:
    policy = HandshakePolicy(PACING, 0)
    arrivals(policy, 100, "a", resumes=True)
    entered = through(policy, 0)
    admitted = [at for at in entered.values() if at < math.inf]
    assert max(admitted) <= 5
    assert 54 <= len(admitted) <= 56


def test_beyond_the_most_held_one_is_refused_at_once() -> None:
    policy = HandshakePolicy(Pacing(most_held=2), 0)
    assert len(arrivals(policy, 3, "a", resumes=True)) == 2
    assert policy.held == 2


def test_who_left_the_line_costs_no_turn() -> None:
    policy = HandshakePolicy(Pacing(rate=10, burst=1), 0)
    first, gone, last = arrivals(policy, 3, "a", resumes=True)
    policy.leave(gone)
    entered = through(policy, 0)
    assert list(entered) == [first, last]
    assert entered[last] == pytest.approx(0.1, abs=0.01)


def test_two_hundred_that_come_back_at_once_are_all_in_within_the_time_of_one_attempt() -> None:
    policy = HandshakePolicy(Pacing(), 0)
    arrivals(policy, 200, "a", resumes=True)
    assert max(through(policy, 0).values()) < 2


steps = st.tuples(st.floats(0, 0.2), st.integers(0, 20), st.booleans(), st.booleans())


@given(st.lists(steps, min_size=1, max_size=200))
def test_everybody_gets_one_answer_and_no_more_enter_than_tokens_allow(
    story: list[tuple[float, int, bool, bool]],
) -> None:
    policy = HandshakePolicy(PACING, 0)
    now, admitted = 0.0, 0
    waiting: dict[int, int] = {}
    for gap, token, resumes, leaves in story:
        now += gap
        arrival = policy.arrive(now, token, resumes=resumes)
        assert (waiting.pop(token, None)) == arrival.superseded, "one place for a token"
        assert arrival.ticket is not None
        waiting[token] = arrival.ticket
        if leaves:
            policy.leave(waiting.pop(token))
        verdict = policy.decide(now)
        admitted += len(verdict.admitted)
        for ticket in (*verdict.admitted, *verdict.refused):
            del waiting[next(token for token, held in waiting.items() if held == ticket)]
        assert admitted <= PACING.burst + PACING.rate * now + 1
        assert policy.held == len(waiting)
    assert set(through(policy, now)) == set(waiting.values())


@given(st.lists(st.booleans(), min_size=20, max_size=200))
def test_while_new_clients_wait_at_least_every_fourth_is_new(kinds: list[bool]) -> None:
    policy = HandshakePolicy(Pacing(burst=1), 0)
    new, now = set(), 0.0
    for number, resumes in enumerate(kinds):
        ticket = policy.arrive(now, number, resumes=resumes).ticket
        if not resumes:
            new.add(ticket)
    in_a_row = 0
    while policy.held:
        for ticket in policy.decide(now).admitted:
            in_a_row = 0 if ticket in new else in_a_row + 1
            new.discard(ticket)
            assert not new or in_a_row <= 3
        now += policy.wait() or 0
