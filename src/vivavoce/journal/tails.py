"""Following a session: stored data first, then what each commit adds, without asking the disk.

A tail that keeps up is handed every committed chunk from memory. One that falls behind loses its
place in memory, which is bounded, and reads blocks from storage until it has caught up.
All of this lives in the event loop's thread.
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
    """Where a tail that is behind reads."""

    async def extent(self, session_id: str) -> Extent | None:
        """How far a session goes; None where there is none."""
        ...

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        """Stored bytes ``[start, end)``, clipped."""
        ...

    async def read_entries(self, session_id: str, after: int, limit: int) -> Sequence[Entry]:
        """At most ``limit`` messages above ``after``."""
        ...

    async def read_markers(self, session_id: str, after: int) -> Sequence[BreakMarker]:
        """Break markers with numbers above ``after``, in order."""
        ...


class _Inbox(ABC, Generic[Item]):
    """What has come for one tail, as long as it follows on from where the tail stands."""

    def __init__(self, position: int) -> None:
        self.position = position
        self._expected = position
        self._items: list[Item] = []
        self._bytes = 0
        self._waiting: asyncio.Future[None] | None = None

    @abstractmethod
    def hear(self, change: Change) -> bool:
        """Pick from a commit what this tail wants; says whether it should look."""

    def _offer(self, item: Item, start: int, end: int, size: int) -> bool:
        """Keep an item that continues the others; beyond the bound it is left to storage."""
        follows = start == self._expected and self._bytes + size <= BLOCK_BYTES
        if follows:
            self._items.append(item)
            self._bytes += size
            self._expected = end
        return follows

    def take(self) -> list[Item]:
        """Everything that has come; the tail then stands behind it."""
        items = self._items
        self.jump(self._expected)
        return items

    def jump(self, position: int) -> None:
        """Stand at a position; what came meanwhile is part of what was read, or will be."""
        self.position = self._expected = position
        self._items = []
        self._bytes = 0

    def wake(self) -> None:
        """Let the tail look again, if it waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def changed(self) -> None:
        """Wait until there is something to look at."""
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None


class _AudioInbox(_Inbox[bytes]):
    """Audio and the break markers within and behind it.

    Markers that come with a commit are known before any later audio is, so none comes too late.
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
        # What does not fit is to be read from storage, and before it what lies here.
        fits = self._offer(change.audio, end - size, end, size)
        return self._worth(change.audio) or not fits or bool(change.markers)

    def add_markers(self, markers: Iterable[BreakMarker]) -> None:
        """Take in markers that have not been given; commits and storage may name the same."""
        known = (*self._markers, *markers)
        found = {marker.number: marker for marker in known if marker.number > self._given}
        self._markers = deque(found[number] for number in sorted(found))

    def due(self, position: int) -> Iterator[BreakMarker]:
        """The markers that come before the byte at a position, each once."""
        while self._markers and self._markers[0].position <= position:
            marker = self._markers.popleft()
            self._given = marker.number
            yield marker

    def divide(self, audio: bytes, start: int) -> Iterator[bytes | BreakMarker]:
        """Audio from ``start`` cut at its markers, which come between the pieces."""
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
    """What all tails of one session share: how far it goes, whether it ended, who waits."""

    def __init__(self) -> None:
        self.extent = Extent()
        self.dropped = False
        self.inboxes: set[_Inbox[Any]] = set()

    def learn(self, extent: Extent) -> None:
        """Take in what storage said; it may be older than what commits have told since."""
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
        """Hand a commit to the tails, and wake those that have to look."""
        ends = change.extent is None or change.extent.sealed
        if change.extent is None:
            self.dropped = True
        else:
            self.learn(change.extent)
        for inbox in self.inboxes:
            if inbox.hear(change) or ends:
                inbox.wake()

    def wake(self) -> None:
        """Let every waiting tail look again."""
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
        """Tell the tails what was committed."""
        for change in changes:
            feed = self._feeds.get(change.session_id)
            if feed is None:
                continue
            try:
                feed.apply(change)
            except Exception as error:  # noqa: BLE001  one session's tails must not cost others theirs
                self._failed(error)
                feed.wake()
            if feed.dropped:
                del self._feeds[change.session_id]

    def fail(self, failure: JournalError) -> None:
        """Nothing will come any more: tails that have everything raise this."""
        self._failure = failure
        for feed in self._feeds.values():
            feed.wake()

    def __len__(self) -> int:
        """Number of sessions with a tail."""
        return len(self._feeds)

    async def audio(
        self, session_id: str, start: int, worth: Worth = always, *, after_marker: int = 0
    ) -> AsyncGenerator[bytes | BreakMarker, None]:
        """Stored audio and markers from ``start``, then what comes, up to the sealed end.

        Raises:
            UnknownSessionError: no such session, or it was dropped before all was read.
            UnavailableError: nothing more can come.
        """
        inbox = _AudioInbox(max(start, 0), worth, after_marker)
        with self._follow(session_id, inbox) as feed:
            await self._load(session_id, feed)
            # Only now: the markers within the audio that is known by now are among them.
            inbox.add_markers(await self._source.read_markers(session_id, after_marker))
            while True:
                position = inbox.position
                for marker in inbox.due(position):
                    yield marker
                if chunks := inbox.take():
                    for piece in inbox.divide(b"".join(chunks), position):
                        yield piece
                elif position < feed.extent.audio_end:
                    # Not beyond what is known: a marker in it might not be known either.
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
        """Messages above ``after``, then what comes, until the session is dropped.

        Raises:
            UnknownSessionError: no such session.
            UnavailableError: nothing more can come.
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
            # Dropped in this instant; the feed hears of it next.
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
        """Keep an inbox registered for as long as its tail lives."""
        feed = self._feeds.setdefault(session_id, _Feed())
        feed.inboxes.add(inbox)
        try:
            yield feed
        finally:
            feed.inboxes.discard(inbox)
            if not feed.inboxes and self._feeds.get(session_id) is feed:
                del self._feeds[session_id]
