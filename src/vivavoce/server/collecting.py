"""Tunes the cyclic garbage collector: it runs rarely, and skips objects created at the start.

By default it runs after 700 allocations, and each session makes that many every few seconds.
Figures: docs/decisions/0014-event-loop.md.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 10_000
"""Allocations between two collections of the youngest generation: about a millisecond of work."""

MIDDLE = 20
OLD = 20
"""Collections of a generation before the next older generation is collected too."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Exclude existing objects from collections and raise the thresholds; restore at the end."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
