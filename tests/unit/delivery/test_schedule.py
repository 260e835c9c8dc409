import pytest

from vivavoce.delivery.port import Answer
from vivavoce.delivery.schedule import DAY, DELAYS, GIVE_UP, Fate, Policy, Standing, cause, settle

FRESH = Standing()
POLICY = Policy((10.0, 100.0), 1000.0)


def after(
    answer: Answer, standing: Standing = FRESH, *, now: float = 0.0, dice: float = 1.0, **more: bool
) -> tuple[Standing, Fate]:
    return settle(standing, answer, POLICY, now, dice, **more)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_only_a_status_of_the_two_hundreds_is_a_success(status: int) -> None:
    assert after(Answer(status), Standing(3, 1.0, 2.0), now=7.0) == (
        Standing(due=7.0),
        Fate.DELIVERED,
    )


@pytest.mark.parametrize("status", [None, 100, 199, 300, 301, 307, 400, 401, 404, 429, 500, 503])
def test_everything_else_is_tried_again(status: int | None) -> None:
    assert after(Answer(status)) == (Standing(1, 0.0, 10.0), Fate.AGAIN)


def test_waits_follow_the_table_and_the_last_one_goes_on() -> None:
    standing, waits = FRESH, []
    for _ in range(4):
        before = standing.due
        standing, _ = after(Answer(500), standing, now=before)
        waits.append(standing.due - before)
    assert waits == [10.0, 100.0, 100.0, 100.0]


def test_the_wait_is_anything_between_none_and_the_table_s() -> None:
    waits = [after(Answer(500), dice=dice)[0].due for dice in (0.0, 0.25, 0.999)]
    assert waits == [0.0, 2.5, pytest.approx(9.99)]


def test_the_endpoint_may_ask_for_more_time_but_not_for_ever() -> None:
    assert after(Answer(429, retry_after=60.0))[0].due == 60.0
    assert after(Answer(503, retry_after=3.0))[0].due == 10.0
    assert after(Answer(429, retry_after=1e12))[0].due == DAY


def test_gone_means_gone() -> None:
    assert after(Answer(410), Standing(1, 0.0, 5.0)) == (Standing(1, 0.0, 5.0), Fate.GONE)


def test_what_is_too_large_is_made_smaller_once() -> None:
    assert after(Answer(413), can_shrink=True, now=4.0) == (Standing(due=4.0), Fate.LEAN)
    assert after(Answer(413))[1] is Fate.AGAIN


def test_giving_up_takes_both_the_time_and_every_wait_of_the_table() -> None:
    long_ago = Standing(1, 0.0, 0.0)
    assert after(Answer(500), long_ago, now=9999.0)[1] is Fate.AGAIN
    often = Standing(50, 0.0, 0.0)
    assert after(Answer(500), often, now=999.0)[1] is Fate.AGAIN
    assert after(Answer(500), often, now=1000.0) == (Standing(51, 0.0, 1000.0), Fate.DEAD)


def test_after_a_message_was_given_up_the_next_one_has_a_single_try() -> None:
    standing, _ = after(Answer(500), Standing(50, 0.0, 0.0), now=1000.0)
    assert after(Answer(500), standing, now=1000.5)[1] is Fate.DEAD
    assert after(Answer(200), standing, now=1000.5) == (Standing(due=1000.5), Fate.DELIVERED)


def test_the_table_of_the_house_lasts_three_days() -> None:
    assert list(DELAYS) == sorted(DELAYS)
    assert GIVE_UP == 3 * DAY


def test_a_cause_is_told_in_a_few_words() -> None:
    assert cause(Answer(503)) == "HTTP 503"
    assert cause(Answer(None, failure="no answer in time")) == "no answer in time"
