"""What a client has been told for certain."""

import pytest

from vivavoce.session.telling import ARRIVAL_SECONDS, Telling


@pytest.fixture
def telling() -> Telling:
    telling = Telling()
    telling.sent(1, now=0.0)
    telling.sent(0, now=1.0)
    telling.sent(2, now=1.0)
    return telling


def test_a_message_has_arrived_once_the_client_speaks_a_while_after_it(telling: Telling) -> None:
    assert telling.delivered == 0
    telling.heard(ARRIVAL_SECONDS)
    assert telling.delivered == 1
    telling.heard(5.0)
    assert telling.delivered == 2


def test_what_was_under_way_when_a_line_broke_may_not_have_arrived(telling: Telling) -> None:
    telling.heard(ARRIVAL_SECONDS)
    telling.ended(in_order=False)
    telling.heard(60.0)  # on the next line
    assert telling.delivered == 1


def test_an_orderly_end_has_delivered_everything(telling: Telling) -> None:
    telling.ended(in_order=True)
    assert telling.delivered == 2


def test_what_is_told_again_changes_nothing_that_is_certain(telling: Telling) -> None:
    telling.arrived(7)
    telling.heard(60.0)
    assert telling.delivered == 7
