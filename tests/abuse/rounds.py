"""How long attacks last, and which of them are made in every run of the tests."""

import os
from collections.abc import Iterable
from typing import Any

import pytest

SECONDS = float(os.environ.get("ABUSE_SECONDS", "3"))
"""Seconds of each flood."""

LONG = SECONDS >= 10
"""Whether every attack is made, also those that take a minute."""

takes_time = pytest.mark.skipif(not LONG, reason="in long rounds: make abuse")


def some(values: Iterable[Any], *short: Any) -> list[Any]:
    """Parameters for a test: all in long rounds, those named in short ones too."""
    return [pytest.param(one, marks=() if one in short else takes_time) for one in values]
