"""State shared by the connections of sessions: which one is current, and resume counters."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """The period in which a connection is the session's current one.

    Attributes:
        replaced: set when a newer connection has replaced it.
        over: set when everything that this connection read is stored or discarded.
    """

    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Resumes:
    """Counters of resumed connections and stored audio since the start of the process.

    Attributes:
        resumes: connections that sent audio to a session that already had some.
        resent_bytes: bytes of audio that were resent although already stored.
        ambiguous: resumes in which the audio did not determine its position.
        differing: resumes in which the resent audio had different bytes.
        audio_seconds: seconds of audio stored.
    """

    resumes: int = 0
    resent_bytes: int = 0
    ambiguous: int = 0
    differing: int = 0
    audio_seconds: float = 0.0
