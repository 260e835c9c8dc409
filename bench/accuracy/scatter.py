"""How recordings fare one by one: with context against without."""

from collections import Counter
from collections.abc import Iterable

from accuracy.results import Results, Row
from accuracy.settings import LIVE, WHOLE

Cells = tuple[object, ...]

_STEPS = (-5, -2, -1, 0, 1, 2, 5)
"""Words more than alone; what lies beyond an end counts there."""
_WORSE = 3
"""A recording with so many words more than alone is named."""


def difference(row: Row, setting: str) -> int:
    """Words wrong beyond those of the same recording heard without context."""
    return row.errors(setting).wrong - row.errors(f"{setting} alone").wrong


def scatter(results: Results) -> Iterable[Cells]:
    """A line for each setting: how many recordings are better or worse, and by how much."""
    yield ("setting", *map(_step_name, _STEPS))
    for setting in (each.name for each in LIVE):
        counts = Counter(_step(difference(row, setting)) for row in results.group(None))
        yield (setting, *(counts[step] for step in _STEPS))


def worst(results: Results) -> Iterable[Cells]:
    """The recordings that are worse than alone by three words or more, in any setting."""
    names = [each.name for each in LIVE]
    yield ("recording", "group", "words", "whole", *(f"{name}: alone, live" for name in names))
    for row in results.group(None):
        if max(difference(row, name) for name in names) < _WORSE:
            continue
        pairs = (f"{row.errors(f'{name} alone').wrong}, {row.errors(name).wrong}" for name in names)
        yield (row.id, row.group, row.words, row.errors(WHOLE.name).wrong, *pairs)


def _step(words: int) -> int:
    """The step that a difference belongs to: the nearest one towards nought."""
    within = [step for step in _STEPS if step * words >= 0 and abs(step) <= abs(words)]
    return max(within, key=abs)


def _step_name(step: int) -> str:
    if step == 0:
        return "as many"
    side = "fewer" if step < 0 else "more"
    return {1: f"1 {side}", 2: f"2 to 4 {side}", 5: f"5 or more {side}"}[abs(step)]
