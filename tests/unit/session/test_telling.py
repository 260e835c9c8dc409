"""What a client has been told for certain."""

import pytest

from vivavoce.session.telling import Telling


@pytest.fixture
def telling() -> Telling:
    telling = Telling()
    telling.sent(1)
    telling.sent(0)
    telling.sent(2)
    return telling


def test_what_was_handed_to_a_line_has_not_arrived_until_that_is_proved(telling: Telling) -> None:
    assert telling.delivered == 0
    telling.arrived(1)
    assert telling.delivered == 1


def test_what_was_under_way_when_a_line_broke_may_not_have_arrived(telling: Telling) -> None:
    telling.arrived(1)
    telling.ended(in_order=False)
    assert telling.delivered == telling.handed == 1


def test_an_orderly_end_has_delivered_everything(telling: Telling) -> None:
    telling.ended(in_order=True)
    assert telling.delivered == 2


def test_what_is_told_again_changes_nothing_that_is_certain(telling: Telling) -> None:
    telling.arrived(7)
    telling.sent(3)
    telling.ended(in_order=True)
    assert telling.delivered == 7
