"""The changes that a commit made, as published to the followers of a session."""

from dataclasses import dataclass

from vivavoce.journal.port import BreakMarker, Entry


@dataclass(frozen=True, slots=True)
class Extent:
    """Length of a session: bytes of audio, number of the last message, whether it is sealed."""

    audio_end: int = 0
    sealed: bool = False
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """The change that one commit made to one session.

    Attributes:
        session_id: the session.
        extent: its length after the commit; None when it was dropped.
        audio: the bytes that were added, ending at ``extent.audio_end``.
        entries: the messages that were added, in order.
        announced: number of outbox events that were added.
        markers: the break markers that were added, in order.
    """

    session_id: str
    extent: Extent | None
    audio: bytes = b""
    entries: tuple[Entry, ...] = ()
    announced: int = 0
    markers: tuple[BreakMarker, ...] = ()
