"""The journal in memory: the same behaviour without durability, for tests and dry runs."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from vivavoce.journal.changes import Change, Extent
from vivavoce.journal.leases import Leases
from vivavoce.journal.outlet import Outlet
from vivavoce.journal.port import (
    Announce,
    Announced,
    BreakMarker,
    Entry,
    JournalError,
    LiveSession,
    NewSession,
    SealedError,
    UnavailableError,
    UnknownSessionError,
    Worth,
    always,
)
from vivavoce.journal.tails import Tails


@dataclass(slots=True)
class _Held:
    session: NewSession
    audio: bytearray = field(default_factory=bytearray)
    sealed: bool = False
    messages: list[Entry] = field(default_factory=list)
    checkpoint: bytes | None = None
    markers: list[BreakMarker] = field(default_factory=list)

    @property
    def extent(self) -> Extent:
        return Extent(len(self.audio), self.sealed, len(self.messages))

    @property
    def live(self) -> LiveSession:
        return LiveSession(self.session, len(self.audio), self.sealed)


class MemoryJournal:
    """The journal port on dictionaries.

    Attributes:
        failure: set it to refuse new sessions and audio, as on a full disk.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.failure: UnavailableError | None = None
        self._sessions: dict[str, _Held] = {}
        self._leases = Leases(clock)
        self._tails = Tails(self)
        self._announced: list[Announced] = []
        self._last_announced = 0
        self._outlet = Outlet(self._read_announcements)
        self._closed = False

    async def create(self, session: NewSession, announcements: Sequence[bytes] = ()) -> None:
        """Add a session."""
        self._check_room()
        tokens = {held.session.token_hash for held in self._sessions.values()}
        if session.id in self._sessions or session.token_hash in tokens:
            raise JournalError(f"session {session.id} or its token exists already")
        held = self._sessions[session.id] = _Held(session)
        self._publish(session.id, held, announcements=announcements)

    async def find(self, session_id: str) -> LiveSession | None:
        """Return the live session with this id."""
        self._check_open()
        held = self._sessions.get(session_id)
        return None if held is None else held.live

    async def find_by_token(self, token_hash: bytes) -> LiveSession | None:
        """Return the live session whose token has this hash."""
        self._check_open()
        found = (held.live for held in self._sessions.values())
        return next((live for live in found if live.session.token_hash == token_hash), None)

    async def live(self) -> Sequence[LiveSession]:
        """Return every session, oldest first."""
        self._check_open()
        found = [held.live for held in self._sessions.values()]
        return sorted(found, key=lambda live: live.session.created_at)

    async def append_audio(
        self, session_id: str, audio: bytes, announce: Announce | None = None
    ) -> tuple[int, int]:
        """Append audio; returns its positions."""
        self._check_room()
        held = self._held(session_id)
        if held.sealed:
            raise SealedError(session_id)
        start = len(held.audio)
        held.audio += audio
        announcements = announce(start, len(held.audio)) if announce else ()
        self._publish(session_id, held, audio=bytes(audio), announcements=announcements)
        return start, len(held.audio)

    async def mark_break(self, session_id: str, channel: int | None = None) -> BreakMarker:
        """Mark a break at the end of the audio; returns the marker."""
        self._check_room()
        held = self._held(session_id)
        if held.sealed:
            raise SealedError(session_id)
        last = held.markers[-1] if held.markers else None
        if last and (last.position, last.channel) == (len(held.audio), channel):
            return last
        marker = BreakMarker(len(held.markers) + 1, len(held.audio), channel)
        held.markers.append(marker)
        self._tell(Change(session_id, held.extent, markers=(marker,)))
        return marker

    async def seal(self, session_id: str) -> int:
        """End the audio; returns its end."""
        held = self._held(session_id)
        held.sealed = True
        self._publish(session_id, held)
        return len(held.audio)

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        """Return the bytes ``[start, end)``, clipped."""
        return bytes(self._held(session_id).audio[max(start, 0) : max(end, 0)])

    def tail_audio(
        self, session_id: str, start: int, worth: Worth = always, *, after_marker: int = 0
    ) -> AsyncGenerator[bytes | BreakMarker, None]:
        """Yield audio and markers from ``start``, then new ones, up to the sealed end."""
        return self._tails.audio(session_id, start, worth, after_marker=after_marker)

    async def commit(
        self,
        session_id: str,
        messages: Sequence[bytes],
        checkpoint: bytes | None = None,
        announcements: Sequence[bytes] = (),
    ) -> int:
        """Add messages, replace the checkpoint; returns the last sequence number."""
        held = self._held(session_id)
        first = len(held.messages) + 1
        entries = tuple(Entry(first + index, message) for index, message in enumerate(messages))
        held.messages += entries
        if checkpoint is not None:
            held.checkpoint = checkpoint
        self._publish(session_id, held, entries=entries, announcements=announcements)
        return len(held.messages)

    async def checkpoint(self, session_id: str) -> bytes | None:
        """Return the latest checkpoint."""
        return self._held(session_id).checkpoint

    async def read_messages(self, session_id: str, after: int) -> Sequence[Entry]:
        """Return the messages with numbers above ``after``."""
        return self._held(session_id).messages[max(after, 0) :]

    def tail_messages(self, session_id: str, after: int) -> AsyncGenerator[Entry, None]:
        """Yield messages above ``after``, then new ones, until the session is dropped."""
        return self._tails.messages(session_id, after)

    async def claim(self, session_id: str, holder: str, seconds: float) -> bool:
        """Acquire or renew the lease on a session; False if another holder has it."""
        self._held(session_id)
        return self._leases.claim(session_id, holder, seconds)

    async def release(self, session_id: str, holder: str) -> None:
        """Release the lease if this holder has it."""
        self._leases.release(session_id, holder)

    async def drop(self, session_id: str, announcements: Sequence[bytes] = ()) -> None:
        """Remove the session."""
        self._check_open()
        if self._sessions.pop(session_id, None) is not None:
            self._leases.forget(session_id)
            self._tell(Change(session_id, None, announced=self._announce(announcements)))

    def tail_announcements(self, after: int) -> AsyncGenerator[Sequence[Announced], None]:
        """Yield blocks of outbox events above ``after``, then new ones."""
        return self._outlet.tail(after)

    async def last_announcement(self) -> int:
        """Return the highest outbox event number assigned so far."""
        return self._last_announced

    async def forget_announcements(self, upto: int) -> None:
        """Remove outbox events up to and including a number."""
        self._announced = [one for one in self._announced if one.number > upto]

    async def close(self) -> None:
        """Refuse all further calls."""
        self._closed = True
        for followers in (self._tails, self._outlet):
            followers.fail(UnavailableError("the journal is closed"))

    async def extent(self, session_id: str) -> Extent | None:
        """Return the length of a session (for tails)."""
        self._check_open()
        held = self._sessions.get(session_id)
        return None if held is None else held.extent

    async def read_entries(self, session_id: str, after: int, limit: int) -> Sequence[Entry]:
        """Return a block of messages (for tails)."""
        return self._held(session_id).messages[after : after + limit]

    async def read_markers(self, session_id: str, after: int) -> Sequence[BreakMarker]:
        """Return the break markers above a number (for tails)."""
        return [marker for marker in self._held(session_id).markers if marker.number > after]

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError("the journal is closed")

    def _check_room(self) -> None:
        self._check_open()
        if self.failure is not None:
            raise self.failure

    def _held(self, session_id: str) -> _Held:
        self._check_open()
        held = self._sessions.get(session_id)
        if held is None:
            raise UnknownSessionError(session_id)
        return held

    def _publish(
        self,
        session_id: str,
        held: _Held,
        *,
        audio: bytes = b"",
        entries: tuple[Entry, ...] = (),
        announcements: Sequence[bytes] = (),
    ) -> None:
        announced = self._announce(announcements)
        self._tell(Change(session_id, held.extent, audio, entries, announced))

    def _tell(self, change: Change) -> None:
        self._tails.publish([change])
        self._outlet.publish([change])

    def _announce(self, announcements: Sequence[bytes]) -> int:
        for data in announcements:
            self._last_announced += 1
            self._announced.append(Announced(self._last_announced, data))
        return len(announcements)

    async def _read_announcements(
        self, after: int, most: int, most_bytes: int
    ) -> Sequence[Announced]:
        del most_bytes  # the events are in memory already
        self._check_open()
        return [one for one in self._announced if one.number > after][:most]
