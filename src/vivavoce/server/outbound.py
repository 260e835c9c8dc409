"""What waits to be sent on one connection.

Messages leave in order. A partial is only a view: a newer one takes the place of one that still
waits, so a slow reader is sent fewer partials and never later finals.
"""

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class Outgoing:
    """A text to send, and what is true once it is sent.

    Attributes:
        view: what it shows; None where it must be sent.
        sequence: its number in the journal, or 0.
        acknowledges: end of the audio that it acknowledges, or 0.
    """

    text: str
    view: str | None = None
    sequence: int = 0
    acknowledges: int = 0


class Outbound:
    """An ordered queue with a bound on what must be sent."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Outgoing] = deque()
        self._owed = 0
        self._filled = asyncio.Event()
        self._freed = asyncio.Event()
        self._sending = False
        self._empty = asyncio.Event()

    async def put(self, message: Outgoing, *, settles: str | None = None) -> None:
        """Add a message that must be sent; waits while too many are owed.

        ``settles`` names a view that this message makes stale: it is dropped if it still waits.
        """
        while self._owed >= self._limit:
            self._freed.clear()
            await self._freed.wait()
        if settles is not None:
            self._waiting = deque(w for w in self._waiting if w.view != settles)
        self._waiting.append(message)
        self._owed += 1
        self._filled.set()

    def show(self, text: str, view: str) -> None:
        """Add or renew a view; never waits."""
        for waiting in self._waiting:
            if waiting.view == view:
                waiting.text = text
                return
        self._waiting.append(Outgoing(text, view))
        self._filled.set()

    async def next(self) -> Outgoing:
        """The next message to send; waits for one."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        first = self._waiting.popleft()
        self._sending = True
        if first.view is None:
            self._owed -= 1
            self._freed.set()
        return first

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
