"""What waits to be sent on one connection.

Messages leave in order. A partial is only a view: a newer one takes the place of one that still
waits, so a slow reader is sent fewer partials and never later finals.
"""

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Waiting:
    """A text to send; ``view`` names what it shows, None where it must be sent."""

    text: str
    view: str | None
    sequence: int = 0


class Outbound:
    """An ordered queue with a bound on what must be sent."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self._owed = 0
        self._filled = asyncio.Event()
        self._freed = asyncio.Event()
        self._sending = False
        self._empty = asyncio.Event()

    async def put(self, text: str, *, settles: str | None = None, sequence: int = 0) -> None:
        """Add a message that must be sent; waits while too many are owed.

        ``settles`` names a view that this message makes stale: it is dropped if it still waits.
        ``sequence`` is the message's number in the journal, if it comes from there.
        """
        while self._owed >= self._limit:
            self._freed.clear()
            await self._freed.wait()
        if settles is not None:
            self._waiting = deque(w for w in self._waiting if w.view != settles)
        self._waiting.append(_Waiting(text, None, sequence))
        self._owed += 1
        self._filled.set()

    def show(self, text: str, view: str) -> None:
        """Add or renew a view; never waits."""
        for waiting in self._waiting:
            if waiting.view == view:
                waiting.text = text
                return
        self._waiting.append(_Waiting(text, view))
        self._filled.set()

    async def next(self) -> tuple[str, int]:
        """The next text to send, and its number in the journal or 0; waits for one."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        first = self._waiting.popleft()
        self._sending = True
        if first.view is None:
            self._owed -= 1
            self._freed.set()
        return first.text, first.sequence

    def sent(self) -> None:
        """What ``next`` gave has been sent."""
        self._sending = False
        if not self._waiting:
            self._empty.set()

    async def drained(self) -> None:
        """Wait until everything has been sent."""
        while self._waiting or self._sending:
            self._empty.clear()
            await self._empty.wait()
