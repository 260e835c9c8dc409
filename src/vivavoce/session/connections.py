"""What the connections of sessions share: whose turn it is, and what all of them came to."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A connection's time as the one that speaks for the client.

    Attributes:
        replaced: a newer connection has come.
        over: everything that this connection read is stored or given up.
    """

    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Resumes:
    """What connections brought, resumed ones above all, since the start of the process.

    Attributes:
        resumes: connections that sent audio to a session that had some.
        resent_bytes: audio that was stored already and came again.
        ambiguous: resumes where the audio did not tell where it belongs.
        differing: resumes where audio came again with other bytes.
        audio_seconds: audio stored.
    """

    resumes: int = 0
    resent_bytes: int = 0
    ambiguous: int = 0
    differing: int = 0
    audio_seconds: float = 0.0
