"""Tails follow a session: stored data first, then the additions of each commit from memory.

A tail that keeps up receives every committed chunk from memory. A tail that falls behind its
bounded buffer reads blocks from storage until it has caught up. All of this runs in the event
loop's thread.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from vivavoce.journal.changes import Change, Extent
from vivavoce.journal.port import (
    BreakMarker,
    Entry,
    JournalError,
    UnknownSessionError,
    Worth,
    always,
)

BLOCK_BYTES = 256 * 1024
BLOCK_MESSAGES = 256

Item = TypeVar("Item")


class Source(Protocol):
    """The storage that a tail reads when it is behind."""

    async def extent(self, session_id: str) -> Extent | None:
        """Return the length of a session; None if it does not exist."""
        ...

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        """Return the stored bytes ``[start, end)``, clipped."""
        ...

    async def read_entries(self, session_id: str, after: int, limit: int) -> Sequence[Entry]:
        """Return at most ``limit`` messages above ``after``."""
        ...

    async def read_markers(self, session_id: str, after: int) -> Sequence[BreakMarker]:
        """Return the break markers with numbers above ``after``, in order."""
        ...


class _Inbox(ABC, Generic[Item]):
    """The buffer of one tail: new items that directly follow its position."""

    def __init__(self, position: int) -> None:
        self.position = position
        self._expected = position
        self._items: list[Item] = []
        self._bytes = 0
        self._waiting: asyncio.Future[None] | None = None

    @abstractmethod
    def hear(self, change: Change) -> bool:
        """Buffer the relevant part of a commit; return whether to wake the tail."""

    def _offer(self, item: Item, start: int, end: int, size: int) -> bool:
        """Buffer an item if it is next and within the bound; others are read from storage."""
        follows = start == self._expected and self._bytes + size <= BLOCK_BYTES
        if follows:
            self._items.append(item)
            self._bytes += size
            self._expected = end
        return follows

    def take(self) -> list[Item]:
        """Return and clear the buffered items, and move the tail's position past them."""
        items = self._items
        self.jump(self._expected)
        return items

    def jump(self, position: int) -> None:
        """Set the position and clear the buffer: storage supplies the items dropped here."""
        self.position = self._expected = position
        self._items = []
        self._bytes = 0

    def wake(self) -> None:
        """Wake the tail if it waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def changed(self) -> None:
        """Wait until ``wake`` is called."""
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None


class _AudioInbox(_Inbox[bytes]):
    """The buffer of an audio tail, with the break markers within and after the audio.

    The markers of a commit are known before any later audio, so none is yielded too late.
    """

    def __init__(self, position: int, worth: Worth, after_marker: int) -> None:
        super().__init__(position)
        self._worth = worth
        self._given = after_marker
        self._markers: deque[BreakMarker] = deque()

    def hear(self, change: Change) -> bool:
        if change.markers:
            self.add_markers(change.markers)
        size = len(change.audio)
        if not size or change.extent is None:
            return bool(change.markers)
        end = change.extent.audio_end
        # Audio that does not fit is read from storage, after the buffered audio: wake for both.
        fits = self._offer(change.audio, end - size, end, size)
        return self._worth(change.audio) or not fits or bool(change.markers)

    def add_markers(self, markers: Iterable[BreakMarker]) -> None:
        """Add markers not yet yielded; commits and storage may supply the same marker."""
        known = (*self._markers, *markers)
        found = {marker.number: marker for marker in known if marker.number > self._given}
        self._markers = deque(found[number] for number in sorted(found))

    def due(self, position: int) -> Iterator[BreakMarker]:
        """Yield each marker at or before a position once."""
        while self._markers and self._markers[0].position <= position:
            marker = self._markers.popleft()
            self._given = marker.number
            yield marker

    def divide(self, audio: bytes, start: int) -> Iterator[bytes | BreakMarker]:
        """Yield audio from ``start``, split at its markers, with the markers in between."""
        end = start + len(audio)
        at = start
        while self._markers and self._markers[0].position < end:
            cut = self._markers[0].position
            yield audio[at - start : cut - start]
            at = cut
            yield from self.due(cut)
        yield audio[at - start :]


class _MessageInbox(_Inbox[Entry]):
    def hear(self, change: Change) -> bool:
        for entry in change.entries:
            self._offer(entry, entry.sequence - 1, entry.sequence, len(entry.message))
        return bool(change.entries)


class _Feed:
    """The shared state of a session's tails: its length, whether it was dropped, the buffers."""

    def __init__(self) -> None:
        self.extent = Extent()
        self.dropped = False
        self.inboxes: set[_Inbox[Any]] = set()

    def learn(self, extent: Extent) -> None:
        """Merge an extent, which may be older than the known one if it was read from storage."""
        known = self.extent
        if (
            extent.audio_end >= known.audio_end
            and extent.last_sequence >= known.last_sequence
            and extent.sealed >= known.sealed
        ):
            self.extent = extent
            return
        self.extent = Extent(
            max(known.audio_end, extent.audio_end),
            known.sealed or extent.sealed,
            max(known.last_sequence, extent.last_sequence),
        )

    def apply(self, change: Change) -> None:
        """Pass a commit to the tails, and wake those that need to act on it."""
        ends = change.extent is None or change.extent.sealed
        if change.extent is None:
            self.dropped = True
        else:
            self.learn(change.extent)
        for inbox in self.inboxes:
            if inbox.hear(change) or ends:
                inbox.wake()

    def wake(self) -> None:
        """Wake every waiting tail."""
        for inbox in self.inboxes:
            inbox.wake()


class Tails:
    """The tails of all sessions of one journal."""

    def __init__(
        self, source: Source, failed: Callable[[Exception], None] = lambda _: None
    ) -> None:
        self._source = source
        self._failed = failed
        self._feeds: dict[str, _Feed] = {}
        self._failure: JournalError | None = None

    def publish(self, changes: Iterable[Change]) -> None:
        """Pass committed changes to the tails."""
        for change in changes:
            feed = self._feeds.get(change.session_id)
            if feed is None:
                continue
            try:
                feed.apply(change)
            except Exception as error:  # noqa: BLE001  one session's error must not affect others
                self._failed(error)
                feed.wake()
            if feed.dropped:
                del self._feeds[change.session_id]

    def fail(self, failure: JournalError) -> None:
        """End all tails: a tail that has yielded everything raises ``failure``."""
        self._failure = failure
        for feed in self._feeds.values():
            feed.wake()

    def __len__(self) -> int:
        """Return the number of sessions with a tail."""
        return len(self._feeds)

    async def audio(
        self, session_id: str, start: int, worth: Worth = always, *, after_marker: int = 0
    ) -> AsyncGenerator[bytes | BreakMarker, None]:
        """Yield stored audio and markers from ``start``, then new ones, up to the sealed end.

        Raises:
            UnknownSessionError: no such session, or it was dropped before all was read.
            UnavailableError: no more data can arrive.
        """
        inbox = _AudioInbox(max(start, 0), worth, after_marker)
        with self._follow(session_id, inbox) as feed:
            await self._load(session_id, feed)
            # After the extent is loaded, so that all markers within the known audio are included.
            inbox.add_markers(await self._source.read_markers(session_id, after_marker))
            while True:
                position = inbox.position
                for marker in inbox.due(position):
                    yield marker
                if chunks := inbox.take():
                    for piece in inbox.divide(b"".join(chunks), position):
                        yield piece
                elif position < feed.extent.audio_end:
                    # Not beyond the known end: markers there may be unknown as well.
                    end = min(position + BLOCK_BYTES, feed.extent.audio_end)
                    block = await self._source.read_audio(session_id, position, end)
                    inbox.jump(position + len(block))
                    for piece in inbox.divide(block, position):
                        yield piece
                elif feed.extent.sealed:
                    return
                elif feed.dropped:
                    raise UnknownSessionError(session_id)
                else:
                    await self._wait(inbox)

    async def messages(self, session_id: str, after: int) -> AsyncGenerator[Entry, None]:
        """Yield messages above ``after``, then new ones, until the session is dropped.

        Raises:
            UnknownSessionError: no such session.
            UnavailableError: no more data can arrive.
        """
        inbox = _MessageInbox(max(after, 0))
        with self._follow(session_id, inbox) as feed:
            await self._load(session_id, feed)
            while True:
                entries: Sequence[Entry] = inbox.take()
                if not entries:
                    entries = await self._stored_entries(session_id, feed, inbox)
                for entry in entries:
                    yield entry
                if not entries:
                    if feed.dropped:
                        return
                    await self._wait(inbox)

    async def _stored_entries(
        self, session_id: str, feed: _Feed, inbox: _MessageInbox
    ) -> Sequence[Entry]:
        position = inbox.position
        if feed.dropped or position >= feed.extent.last_sequence:
            return ()
        try:
            entries = await self._source.read_entries(session_id, position, BLOCK_MESSAGES)
        except UnknownSessionError:
            # Just dropped; the change has not been published yet.
            feed.dropped = True
            return ()
        if entries:
            inbox.jump(entries[-1].sequence)
        return entries

    async def _load(self, session_id: str, feed: _Feed) -> None:
        extent = await self._source.extent(session_id)
        if extent is None:
            raise UnknownSessionError(session_id)
        feed.learn(extent)

    async def _wait(self, inbox: _Inbox[Any]) -> None:
        if self._failure is not None:
            raise self._failure
        await inbox.changed()

    @contextmanager
    def _follow(self, session_id: str, inbox: _Inbox[Any]) -> Iterator[_Feed]:
        """Register an inbox for the lifetime of its tail."""
        feed = self._feeds.setdefault(session_id, _Feed())
        feed.inboxes.add(inbox)
        try:
            yield feed
        finally:
            feed.inboxes.discard(inbox)
            if not feed.inboxes and self._feeds.get(session_id) is feed:
                del self._feeds[session_id]
