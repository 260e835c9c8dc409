"""The outbound queue of one connection.

Messages are sent in order. A partial is only a view: a newer one replaces one that is still
queued, so a slow reader receives fewer partials, and its finals are not delayed by them. Above
``Room.crowded`` views are dropped and acknowledgements merged. At the limits of ``Room`` senders
wait, and after ``Room.patience`` the reader is disconnected.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """The bounds of the queue of one reader.

    Attributes:
        messages: queued messages, views not counted.
        size: characters in them.
        crowded: characters above which views are dropped and acknowledgements merged.
        patience: seconds within which the reader must receive something once the queue is full.
    """

    messages: int = 1024
    size: int = 256 * 1024
    crowded: int = 64 * 1024
    patience: float = 10.0


class SlowReaderError(Exception):
    """The queue is full, and the reader has received nothing for too long."""


@dataclass(slots=True)
class Outgoing:
    """A text to send, and its meaning.

    Attributes:
        view: identifier of the view; None for a message that must be sent.
        sequence: its number in the journal, or 0.
        acknowledges: start and end byte of the acknowledged audio; equal if there is none.
    """

    text: str
    view: str | None = None
    sequence: int = 0
    acknowledges: tuple[int, int] = (0, 0)

    @property
    def is_ack(self) -> bool:
        """Whether the message acknowledges audio."""
        return self.acknowledges[0] < self.acknowledges[1]


class Outbound:
    """An ordered, bounded queue of messages and views.

    Args:
        room: the bounds.
        ack: returns the text that acknowledges a range of bytes.

    Attributes:
        spared: views that were not sent.
        merged: acknowledgements that were merged into another.
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
        """Append a message that must be sent; wait while the queue is full.

        ``settles`` names a view that this message makes stale: it is dropped if still queued.

        Raises:
            SlowReaderError: the queue stays full because the reader receives nothing.
        """
        while not self.offer(message, settles=settles):
            await self._wait_for_room()

    @property
    def idle(self) -> bool:
        """Whether the queue is empty and nothing is being sent."""
        return not self._waiting and not self._sending

    def offer(self, message: Outgoing, *, settles: str | None = None) -> bool:
        """Append a message without waiting; return False if the queue is full."""
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
        """Merge an acknowledgement into the last queued one, if the two are adjacent."""
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
        """Append or replace a view; never waits."""
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
        """Return the next message to send; wait for one."""
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
        """Record that the message from ``next`` has been sent."""
        self._sending = False
        if not self._waiting:
            self._empty.set()

    async def drained(self) -> None:
        """Wait until everything has been sent."""
        while self._waiting or self._sending:
            self._empty.clear()
            await self._empty.wait()
