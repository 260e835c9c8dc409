"""The durable log of live sessions: what any journal, whatever stands behind it, must do.

A session's journal holds its audio bytes exactly as received (headers included), the messages
that must reach somebody, numbered from 1, and the newest checkpoint. Positions are byte offsets
from the start of the session. Everything that returns has been synced: it survives a power cut.

Beside its sessions the journal holds what they announce to the world outside: bytes that become
durable in the same step as what they tell of, numbered over all sessions, kept until somebody has
taken them over. They outlive their sessions.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

import msgspec


class JournalError(Exception):
    """The journal cannot do what was asked."""


class UnknownSessionError(JournalError):
    """No such live session."""


class SealedError(JournalError):
    """The session's audio has ended; nothing can be added to it."""


class UnavailableError(JournalError):
    """The journal cannot write (disk full, sync failed); what it has acknowledged is safe."""


class NewSession(msgspec.Struct, frozen=True):
    """What is known of a session when it is created.

    Attributes:
        id: UUID text.
        token_hash: SHA-256 of the socket token.
        request: the validated init request as JSON.
        created_at: Unix time in seconds.
        owner: name of the API key that made it.
    """

    id: str
    token_hash: bytes
    request: bytes
    created_at: float
    owner: str


class LiveSession(msgspec.Struct, frozen=True):
    """A session that the journal holds: as created, and how far its audio goes."""

    session: NewSession
    audio_end: int
    sealed: bool


class Entry(msgspec.Struct, frozen=True):
    """A journaled message with its sequence number (1, 2, 3 … per session)."""

    sequence: int
    message: bytes


class BreakMarker(msgspec.Struct, frozen=True):
    """A place in a session's audio where an open utterance ends, whatever is said there.

    Markers are part of the input, as audio is: finals are a function of both.

    Attributes:
        number: 1, 2, 3 … per session, in the order of the positions.
        position: the byte before which the audio belongs to the utterance.
        channel: the only channel that it applies to; None for all of them.
    """

    number: int
    position: int
    channel: int | None = None


class Announced(msgspec.Struct, frozen=True):
    """An announcement with its number; numbers rise, and some may be missing."""

    number: int
    data: bytes


Announce = Callable[[int, int], Sequence[bytes]]
"""What is announced of audio once its positions are known; called within the commit."""

Worth = Callable[[bytes], bool]
"""Whether audio that has come is worth waking up for; what is not is handed out with the next."""


def always(_: bytes) -> bool:
    """Any audio is worth it."""
    return True


class Journal(Protocol):
    """The meeting place of gateway, live session, delivery and archive."""

    async def create(self, session: NewSession, announcements: Sequence[bytes] = ()) -> None:
        """Make a session durable."""
        ...

    async def find(self, session_id: str) -> LiveSession | None:
        """The live session with this id, if the journal still holds it."""
        ...

    async def find_by_token(self, token_hash: bytes) -> LiveSession | None:
        """The live session whose token has this hash."""
        ...

    async def live(self) -> Sequence[LiveSession]:
        """Every session the journal holds, oldest first (for recovery)."""
        ...

    def append_audio(
        self, session_id: str, audio: bytes, announce: Announce | None = None
    ) -> Awaitable[tuple[int, int]]:
        """Add audio; the answer is its ``(start, end)`` positions once they are durable.

        Appends of one session keep the order of the calls.

        Raises (by the answer):
            SealedError: the audio has ended.
            UnavailableError: nothing was stored, or it is not known to be durable.
        """
        ...

    def mark_break(self, session_id: str, channel: int | None = None) -> Awaitable[BreakMarker]:
        """Mark a break after every append already called; the answer is the durable marker.

        Where the last marker of the session is the same, that is the answer and none is added.

        Raises (by the answer):
            SealedError: the audio has ended.
            UnavailableError: as for audio.
        """
        ...

    def seal(self, session_id: str) -> Awaitable[int]:
        """End the audio after every append already called; the answer is its end. Idempotent."""
        ...

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        """Stored bytes ``[start, end)``, clipped to what there is."""
        ...

    def tail_audio(
        self, session_id: str, start: int, worth: Worth = always, *, after_marker: int = 0
    ) -> AsyncGenerator[bytes | BreakMarker, None]:
        """Stored audio from ``start``, then what comes; ends where the sealed audio ends.

        A marker with a number above ``after_marker`` comes between the bytes before its position
        and those after it. ``worth`` is asked once about each piece that comes; markers and the
        end are always worth it.
        """
        ...

    async def commit(
        self,
        session_id: str,
        messages: Sequence[bytes],
        checkpoint: bytes | None = None,
        announcements: Sequence[bytes] = (),
    ) -> int:
        """Add messages and replace the checkpoint in one step; returns the last sequence number."""
        ...

    async def checkpoint(self, session_id: str) -> bytes | None:
        """The newest checkpoint."""
        ...

    async def read_messages(self, session_id: str, after: int) -> Sequence[Entry]:
        """Messages with sequence numbers above ``after``."""
        ...

    def tail_messages(self, session_id: str, after: int) -> AsyncGenerator[Entry, None]:
        """Messages above ``after``, then what comes; ends when the session is dropped."""
        ...

    async def claim(self, session_id: str, holder: str, seconds: float) -> bool:
        """Take or renew the ownership of a session for a while; False if another holds it."""
        ...

    async def release(self, session_id: str, holder: str) -> None:
        """Give the ownership back, if this holder has it."""
        ...

    async def drop(self, session_id: str, announcements: Sequence[bytes] = ()) -> None:
        """Forget the session: it is archived. Idempotent; only the first time announces."""
        ...

    def tail_announcements(self, after: int) -> AsyncGenerator[Sequence[Announced], None]:
        """Blocks of announcements above ``after``, then what comes. One reader at a time."""
        ...

    async def last_announcement(self) -> int:
        """The highest number given so far, 0 for none."""
        ...

    async def forget_announcements(self, upto: int) -> None:
        """Remove announcements up to a number, itself included: somebody has taken them over."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let the storage go."""
        ...
