"""A short round of the fuzzer, and every seed that went wrong once; ``make fuzz`` plays more."""

import asyncio

import pytest

from fuzz.kept import kept
from fuzz.targets import TARGETS, Target, play

ROUNDS = 40
"""Rounds of a target for each thousandth of its share."""

FEWEST = 100


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
async def test_random_input_finds_nothing(target: Target) -> None:
    rounds = max(target.share * ROUNDS, FEWEST)
    failures = await asyncio.to_thread(play, target.name, range(rounds))
    assert not failures, "\n".join(f"{f.seed}: {f.what}" for f in failures[:5])


@pytest.mark.parametrize(("target", "seed"), kept(), ids=str)
async def test_what_once_went_wrong_goes_right(target: str, seed: int) -> None:
    failures = await asyncio.to_thread(play, target, range(seed, seed + 1))
    assert not failures, failures[0].what
