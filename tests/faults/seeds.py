"""Seeds: the one of this run, and those that once broke something and are tried again for ever."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LEAST = 4
"""Sessions that a test interrupts at least: a round of fewer tells little."""

KNOWN = Path(__file__).with_name("seeds.txt")


@dataclass(frozen=True, slots=True)
class Choice:
    """What repeats a test: where its chance comes from, and how many sessions all tests interrupt.

    The instants of real kills are repeated as well as the machine allows.
    """

    seed: int
    count: int

    def __str__(self) -> str:
        return f"{self.seed}-{self.count}"

    def part(self, percent: float) -> int:
        """How many sessions a test interrupts that has so many percent of all."""
        return max(round(self.count * percent / 100), LEAST)


THIS = Choice(
    int(os.environ.get("FAULTS_SEED", "20261121")), int(os.environ.get("FAULTS_COUNT", "40"))
)
"""Of this run."""


takes_time = pytest.mark.skipif(THIS.count < 100, reason="in long rounds: make faults COUNT=100")


def some(values: Iterable[Any], *short: Any) -> list[Any]:
    """Parameters for a test: all in long rounds, those named in short ones too."""
    return [pytest.param(one, marks=() if one in short else takes_time) for one in values]


def known(test: str) -> list[Choice]:
    """Choices with which a test, named by its function, has failed before."""
    lines = (line.split("#", 1)[0].split() for line in KNOWN.read_text().splitlines())
    return [Choice(int(words[0]), int(words[1])) for words in lines if words and words[2] == test]
