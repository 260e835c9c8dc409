from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.websocket.token_bucket import TokenBucket


def test_a_burst_passes_and_what_follows_waits() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0)
    assert [bucket.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.wait(0) == 0.1
    assert bucket.take(0.1)
    assert not bucket.take(0.1)


def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0)
    for _ in range(5):
        bucket.take(0)
    assert not bucket.full(0.4)
    assert bucket.full(100)
    assert [bucket.take(100) for _ in range(6)] == [True] * 5 + [False]


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_no_more_pass_than_burst_and_rate_allow_and_a_wait_is_enough(gaps: list[float]) -> None:
    bucket = TokenBucket(rate=100, burst=10, now=0)
    now = 0.0
    for passed, gap in enumerate(gaps, 1):
        now += gap
        if not bucket.take(now):
            now += bucket.wait(now) + 1e-9
            assert bucket.take(now)
        assert passed <= 10 + 100 * now + 1e-6
