"""When Python looks for garbage in cycles: seldom, and never through what lives as long as it.

By default it looks after 700 allocations, and each session makes that many every few seconds.
Figures: docs/decisions/0014-event-loop.md.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 10_000
"""Allocations between two looks at what is young: about a millisecond's work."""

MIDDLE = 20
OLD = 20
"""How many looks at a generation before the next older one is looked at too."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Leave out of every collection what exists now; be as before at the end."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
