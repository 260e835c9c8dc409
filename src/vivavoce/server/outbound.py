"""What waits to be sent on one connection.

Messages leave in order. A partial is only a view: a newer one takes the place of one that still
waits, so a slow reader is sent fewer partials and never later finals. Where much waits there is
no room for views at all, and acknowledgements become one; where too much waits whoever brings
more has to wait, and in the end the reader is given up.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """How much may wait for one reader.

    Attributes:
        messages: messages that must be sent.
        size: characters in them.
        crowded: from so many characters on nothing is kept that can be spared.
        patience: seconds within which the reader must take something once it is full.
    """

    messages: int = 1024
    size: int = 256 * 1024
    crowded: int = 64 * 1024
    patience: float = 10.0


class SlowReaderError(Exception):
    """The reader has taken nothing for too long, and no more may wait for it."""


@dataclass(slots=True)
class Outgoing:
    """A text to send, and what is true once it is sent.

    Attributes:
        view: what it shows; None where it must be sent.
        sequence: its number in the journal, or 0.
        acknowledges: begin and end of the audio that it acknowledges; equal where it does not.
    """

    text: str
    view: str | None = None
    sequence: int = 0
    acknowledges: tuple[int, int] = (0, 0)

    @property
    def is_ack(self) -> bool:
        """Whether it acknowledges audio."""
        return self.acknowledges[0] < self.acknowledges[1]


class Outbound:
    """An ordered queue with a bound on what must be sent.

    Args:
        room: the bounds.
        ack: makes the text that acknowledges a range of bytes.

    Attributes:
        spared: views that were not sent.
        merged: acknowledgements that went as part of another.
    """

    def __init__(self, room: Room, ack: Callable[[int, int], str]) -> None:
        self._room = room
        self._ack = ack
        self._waiting: deque[Outgoing] = deque()
        self._owed = 0
        self._size = 0
        self._filled = asyncio.Event()
        self._freed = asyncio.Event()
        self._sending = False
        self._empty = asyncio.Event()
        self.spared = 0
        self.merged = 0

    async def put(self, message: Outgoing, *, settles: str | None = None) -> None:
        """Add a message that must be sent; waits while too many are owed.

        ``settles`` names a view that this message makes stale: it is dropped if it still waits.

        Raises:
            SlowReaderError: there is no room, and the reader takes nothing.
        """
        while not self.offer(message, settles=settles):
            await self._wait_for_room()

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nothing is being sent."""
        return not self._waiting and not self._sending

    def offer(self, message: Outgoing, *, settles: str | None = None) -> bool:
        """The same without waiting; False where there is no room."""
        if self._crowded and self._join(message):
            return True
        if self._owed >= self._room.messages or self._size >= self._room.size:
            return False
        if settles is not None:
            self._waiting = deque(w for w in self._waiting if w.view != settles)
        self._waiting.append(message)
        self._owed += 1
        self._size += len(message.text)
        if self._crowded:
            self._spare_views()
        self._filled.set()
        return True

    async def _wait_for_room(self) -> None:
        self._freed.clear()
        try:
            async with asyncio.timeout(self._room.patience):
                await self._freed.wait()
        except TimeoutError:
            raise SlowReaderError(f"{self._owed} messages wait, {self._size} characters") from None

    @property
    def _crowded(self) -> bool:
        return self._size >= self._room.crowded

    def _join(self, message: Outgoing) -> bool:
        """Acknowledge more with an acknowledgement that still waits, if there is one."""
        if not message.is_ack:
            return False
        begin, end = message.acknowledges
        for waiting in reversed(self._waiting):
            if waiting.is_ack:
                break
        else:
            return False
        if waiting.acknowledges[1] != begin:
            return False
        self._size -= len(waiting.text)
        waiting.acknowledges = waiting.acknowledges[0], end
        waiting.text = self._ack(*waiting.acknowledges)
        self._size += len(waiting.text)
        self.merged += 1
        return True

    def _spare_views(self) -> None:
        kept = deque(waiting for waiting in self._waiting if waiting.view is None)
        self.spared += len(self._waiting) - len(kept)
        self._waiting = kept

    def show(self, text: str, view: str) -> None:
        """Add or renew a view; never waits."""
        if self._crowded:
            self.spared += 1
            return
        for waiting in self._waiting:
            if waiting.view == view:
                waiting.text = text
                self.spared += 1
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
            self._size -= len(first.text)
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
