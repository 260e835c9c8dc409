"""The durable log of live sessions: the interface of every journal.

A session's journal holds its audio bytes exactly as received (headers included), the messages
to deliver, numbered from 1, and the latest checkpoint. Positions are byte offsets from the start
of the session. When a call returns, its data has been synced and survives a power failure.

The journal also holds the outbox: events as opaque bytes, stored in the same commit as the
changes that they report, numbered across all sessions, and kept until the delivery service has
read them. They outlive their sessions.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

import msgspec


class JournalError(Exception):
    """The journal cannot carry out a call."""


class UnknownSessionError(JournalError):
    """No such live session."""


class SealedError(JournalError):
    """The session's audio has ended; no more can be appended."""


class UnavailableError(JournalError):
    """The journal cannot write (disk full, sync failed); acknowledged data is safe."""


class NewSession(msgspec.Struct, frozen=True):
    """A session as it is created.

    Attributes:
        id: UUID text.
        token_hash: SHA-256 of the socket token.
        request: the validated init request as JSON.
        created_at: Unix time in seconds.
        owner: name of the API key that created it.
    """

    id: str
    token_hash: bytes
    request: bytes
    created_at: float
    owner: str


class LiveSession(msgspec.Struct, frozen=True):
    """A session in the journal: as created, and the length of its audio in bytes."""

    session: NewSession
    audio_end: int
    sealed: bool


class Entry(msgspec.Struct, frozen=True):
    """A journaled message with its sequence number (1, 2, 3 … per session)."""

    sequence: int
    message: bytes


class BreakMarker(msgspec.Struct, frozen=True):
    """A position in a session's audio where an open utterance ends, whatever the audio there.

    Markers are part of the input, as audio is: finals are a function of both.

    Attributes:
        number: 1, 2, 3 … per session, in the order of the positions.
        position: the utterance ends before this byte.
        channel: the only channel that the marker applies to; None for all channels.
    """

    number: int
    position: int
    channel: int | None = None


class Announced(msgspec.Struct, frozen=True):
    """An outbox event with its number; numbers increase and may have gaps."""

    number: int
    data: bytes


Announce = Callable[[int, int], Sequence[bytes]]
"""Returns the outbox events for appended audio from its ``(start, end)``, within the commit."""

Worth = Callable[[bytes], bool]
"""Whether new audio should wake the reader; other audio is delivered with the next that does."""


def always(_: bytes) -> bool:
    """Wake for any audio."""
    return True


class Journal(Protocol):
    """The log that gateway, live sessions, delivery and archive share."""

    async def create(self, session: NewSession, announcements: Sequence[bytes] = ()) -> None:
        """Store a new session."""
        ...

    async def find(self, session_id: str) -> LiveSession | None:
        """Return the live session with this id, if the journal still holds it."""
        ...

    async def find_by_token(self, token_hash: bytes) -> LiveSession | None:
        """Return the live session whose token has this hash."""
        ...

    async def live(self) -> Sequence[LiveSession]:
        """Return every session in the journal, oldest first (for recovery)."""
        ...

    def append_audio(
        self, session_id: str, audio: bytes, announce: Announce | None = None
    ) -> Awaitable[tuple[int, int]]:
        """Append audio; resolves to its ``(start, end)`` positions once it is durable.

        Appends to one session keep the order of the calls.

        Raises (by the awaitable):
            SealedError: the audio has ended.
            UnavailableError: the audio was not stored, or it is unknown whether it is durable.
        """
        ...

    def mark_break(self, session_id: str, channel: int | None = None) -> Awaitable[BreakMarker]:
        """Mark a break after all earlier appends; resolves to the durable marker.

        If the last marker of the session has the same position and channel, that marker is
        returned and none is added.

        Raises (by the awaitable):
            SealedError: the audio has ended.
            UnavailableError: the marker was not stored, or it is unknown whether it is durable.
        """
        ...

    def seal(self, session_id: str) -> Awaitable[int]:
        """End the audio after all earlier appends; resolves to its end. Idempotent."""
        ...

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        """Return the stored bytes ``[start, end)``, clipped to the existing audio."""
        ...

    def tail_audio(
        self, session_id: str, start: int, worth: Worth = always, *, after_marker: int = 0
    ) -> AsyncGenerator[bytes | BreakMarker, None]:
        """Yield stored audio from ``start``, then new audio; ends where the sealed audio ends.

        A marker with a number above ``after_marker`` is yielded between the bytes before its
        position and those after it. ``worth`` is called once for each new piece of audio;
        markers and the end always wake the reader.
        """
        ...

    async def commit(
        self,
        session_id: str,
        messages: Sequence[bytes],
        checkpoint: bytes | None = None,
        announcements: Sequence[bytes] = (),
    ) -> int:
        """Add messages and replace the checkpoint atomically; returns the last sequence number."""
        ...

    async def checkpoint(self, session_id: str) -> bytes | None:
        """Return the latest checkpoint."""
        ...

    async def read_messages(self, session_id: str, after: int) -> Sequence[Entry]:
        """Return the messages with sequence numbers above ``after``."""
        ...

    def tail_messages(self, session_id: str, after: int) -> AsyncGenerator[Entry, None]:
        """Yield messages above ``after``, then new ones; ends when the session is dropped."""
        ...

    async def claim(self, session_id: str, holder: str, seconds: float) -> bool:
        """Acquire or renew the lease on a session; False if another holder has it."""
        ...

    async def release(self, session_id: str, holder: str) -> None:
        """Release the lease if this holder has it."""
        ...

    async def drop(self, session_id: str, announcements: Sequence[bytes] = ()) -> None:
        """Remove an archived session. Idempotent; only the first call adds outbox events."""
        ...

    def tail_announcements(self, after: int) -> AsyncGenerator[Sequence[Announced], None]:
        """Yield blocks of outbox events above ``after``, then new ones. One reader at a time."""
        ...

    async def last_announcement(self) -> int:
        """Return the highest outbox event number assigned so far, 0 for none."""
        ...

    async def forget_announcements(self, upto: int) -> None:
        """Remove outbox events up to and including a number, once they are enqueued elsewhere."""
        ...

    async def close(self) -> None:
        """Finish pending work and release the storage."""
        ...
