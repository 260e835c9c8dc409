"""What a client has been told for certain."""

import pytest

from vivavoce.session.telling import Telling


@pytest.fixture
def telling() -> Telling:
    telling = Telling()
    for sequence in (1, 0, 2):
        telling.sent(sequence)
    return telling


def test_a_message_has_arrived_once_the_client_confirms_it(telling: Telling) -> None:
    assert (telling.delivered, telling.unconfirmed) == (0, 2)
    telling.arrived(1)
    assert (telling.delivered, telling.unconfirmed) == (1, 2)
    telling.arrived(2)
    assert (telling.delivered, telling.unconfirmed) == (2, 0)


def test_what_was_under_way_when_a_line_broke_may_not_have_arrived(telling: Telling) -> None:
    telling.arrived(1)
    telling.ended(in_order=False)
    assert (telling.delivered, telling.unconfirmed) == (1, 0)


def test_an_orderly_end_has_delivered_everything(telling: Telling) -> None:
    telling.ended(in_order=True)
    assert telling.delivered == 2


def test_what_is_told_again_changes_nothing_that_is_certain(telling: Telling) -> None:
    telling.arrived(7)
    telling.arrived(2)
    telling.ended(in_order=True)
    assert telling.delivered == 7
