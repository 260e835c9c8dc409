"""Threads give way soon while a server runs."""

import sys

import pytest

from vivavoce.server.turns import TURN_SECONDS, short_turns


def test_turns_are_short_while_it_lasts_and_then_as_they_were() -> None:
    before = sys.getswitchinterval()
    with short_turns():
        assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)
    assert sys.getswitchinterval() == before
