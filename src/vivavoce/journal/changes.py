"""What a commit changed, as the followers of a session hear of it."""

from dataclasses import dataclass

from vivavoce.journal.port import BreakMarker, Entry


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a session goes: bytes of audio, number of the last message, whether it is sealed."""

    audio_end: int = 0
    sealed: bool = False
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to one session.

    Attributes:
        session_id: the session.
        extent: how far it goes now; None when it was dropped.
        audio: what was added, ending at ``extent.audio_end``.
        entries: the messages that were added, in order.
        announced: how many announcements were made.
        markers: the break markers that were added, in order.
    """

    session_id: str
    extent: Extent | None
    audio: bytes = b""
    entries: tuple[Entry, ...] = ()
    announced: int = 0
    markers: tuple[BreakMarker, ...] = ()
