from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.pace import Pace


def test_a_burst_passes_and_what_follows_waits() -> None:
    pace = Pace(rate=10, burst=5, now=0)
    assert [pace.delay(0) for _ in range(7)] == [0, 0, 0, 0, 0, 0.1, 0.2]


def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    pace = Pace(rate=10, burst=5, now=0)
    for _ in range(5):
        pace.delay(0)
    assert [pace.delay(100) for _ in range(6)] == [0, 0, 0, 0, 0, 0.1]


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_who_waits_as_told_is_never_faster_than_the_rate(gaps: list[float]) -> None:
    pace = Pace(rate=100, burst=10, now=0)
    now = 0.0
    for gap in gaps:
        now += gap
        now += pace.delay(now)
    assert len(gaps) <= 10 + 100 * now + 1
