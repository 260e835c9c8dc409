"""Sets how long a thread holds the interpreter lock while another thread waits for it.

By default the event loop may wait 5 ms for each computing thread (reading a long text, ending a
session), and again whenever it has released the lock.
Figures: docs/decisions/0014-event-loop.md.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN_SECONDS = 0.001


@contextmanager
def short_turns() -> Iterator[None]:
    """Set the interpreter's switch interval to ``TURN_SECONDS``; restore it at the end."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
