"""The same bytes in different pieces."""

import random
from collections.abc import Iterator
from itertools import pairwise

SHORT = 200
"""Bytes up to which every single cut is tried."""

SAMPLES = 12


def pieces(data: bytes, *cuts: int) -> tuple[bytes, ...]:
    """The bytes cut at some places."""
    ends = (0, *cuts, len(data))
    return tuple(data[a:b] for a, b in pairwise(ends) if a < b)


def variants(data: bytes, frames: tuple[bytes, ...]) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Ways to bring the bytes: whole, frame by frame, byte by byte, and at every place apart."""
    yield "whole", pieces(data)
    yield "frame by frame", frames
    size = len(data)
    if size <= SHORT:
        yield "byte by byte", tuple(data[at : at + 1] for at in range(size))
        for at in range(1, size):
            yield f"cut at {at}", pieces(data, at)
        return
    dice = random.Random(size)
    if size <= 80_000:
        yield "in runs of 7", tuple(data[at : at + 7] for at in range(0, size, 7))
        for _ in range(SAMPLES):
            at = dice.choice((dice.randrange(1, size), dice.randrange(1, 40), size - 1))
            yield f"cut at {at}", pieces(data, at)
    yield "in reads of 256 KiB", tuple(data[at : at + 262144] for at in range(0, size, 262144))
    cuts = sorted(dice.sample(range(1, size), 5))
    yield f"cut at {cuts}", pieces(data, *cuts)
