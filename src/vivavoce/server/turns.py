"""How long one thread keeps the interpreter while another waits for it.

By default the event loop may wait 5 ms for every thread that computes (reading a long text, ending
a session), and again after each wait of its own.
Figures: docs/decisions/0014-event-loop.md.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN_SECONDS = 0.001


@contextmanager
def short_turns() -> Iterator[None]:
    """Have threads give way after a millisecond; be as before at the end."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
