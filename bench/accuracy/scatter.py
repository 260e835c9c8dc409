"""Compares single recordings with and without context."""

from collections import Counter
from collections.abc import Iterable

from accuracy.results import Results, Row
from accuracy.settings import LIVE, WHOLE

Cells = tuple[object, ...]

_STEPS = (-5, -2, -1, 0, 1, 2, 5)
"""Steps of additional wrong words; values beyond an end count there."""
_WORSE = 3
"""Recordings with at least this many additional wrong words are listed."""


def difference(row: Row, setting: str) -> int:
    """Return the wrong words in excess of the same recording without context."""
    return row.errors(setting).wrong - row.errors(f"{setting} alone").wrong


def scatter(results: Results) -> Iterable[Cells]:
    """Format each setting's numbers of better and worse recordings, by how much."""
    yield ("setting", *map(_step_name, _STEPS))
    for setting in (each.name for each in LIVE):
        counts = Counter(_step(difference(row, setting)) for row in results.group(None))
        yield (setting, *(counts[step] for step in _STEPS))


def worst(results: Results) -> Iterable[Cells]:
    """List the recordings that are worse by three words or more, in any setting."""
    names = [each.name for each in LIVE]
    yield ("recording", "group", "words", "whole", *(f"{name}: alone, live" for name in names))
    for row in results.group(None):
        if max(difference(row, name) for name in names) < _WORSE:
            continue
        pairs = (f"{row.errors(f'{name} alone').wrong}, {row.errors(name).wrong}" for name in names)
        yield (row.id, row.group, row.words, row.errors(WHOLE.name).wrong, *pairs)


def _step(words: int) -> int:
    """Return the step of a difference: the nearest one towards zero."""
    within = [step for step in _STEPS if step * words >= 0 and abs(step) <= abs(words)]
    return max(within, key=abs)


def _step_name(step: int) -> str:
    if step == 0:
        return "as many"
    side = "fewer" if step < 0 else "more"
    return {1: f"1 {side}", 2: f"2 to 4 {side}", 5: f"5 or more {side}"}[abs(step)]
