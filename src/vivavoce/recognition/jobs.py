"""Decode jobs of live sessions, each with a kind and a deadline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Purpose

JobKind = Literal["final", "foreseen", "first_partial", "refresh_partial", "language"]

PURPOSES: Mapping[JobKind, Purpose] = {
    "final": "final",
    "foreseen": "final",
    "first_partial": "partial",
    "refresh_partial": "partial",
    "language": "language",
}
"""The request purpose that each kind of job requires."""

PATIENCE: Mapping[JobKind, float] = {
    "final": 0.2,
    "language": 0.2,
    "first_partial": 0.3,
    "foreseen": 0.5,
    "refresh_partial": 1.0,
}
"""Seconds within which each kind of answer is wanted; deadlines derive from it (design §4.6)."""

Source: TypeAlias = tuple[str, int]
"""A session id and a channel."""

BYTES_PER_SAMPLE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One awaited decode. Jobs compare by identity.

    Attributes:
        session: id of the session, for cancelling and for fairness.
        channel: channel of the session. It has one open utterance at a time, so a final ends
            all partials of the channel that were requested before it.
        kind: ``final``; ``foreseen``, a speculative final whose endpoint is not confirmed yet;
            ``first_partial`` of an utterance; ``refresh_partial``, a later partial of it;
            ``language``, the language of an utterance, for which its final waits.
        engine: name of the engine that must answer.
        deadline: time by which the answer is wanted, in seconds of the recogniser's clock.
        request: the request to decode.
    """

    session: str
    channel: int
    kind: JobKind
    engine: str
    deadline: float
    request: DecodeRequest

    @property
    def is_final(self) -> bool:
        """Whether the answer certainly ends an utterance."""
        return self.kind == "final"

    @property
    def is_partial(self) -> bool:
        """Whether the job is a partial, which may be superseded or shed."""
        return PURPOSES[self.kind] == "partial"

    @property
    def source(self) -> Source:
        """The session and channel of the job."""
        return self.session, self.channel

    @property
    def samples(self) -> int:
        """Samples that an engine has to process: the span and its context."""
        request = self.request
        return (len(request.audio) + len(request.context.audio)) // BYTES_PER_SAMPLE

    @property
    def audio_seconds(self) -> float:
        """Duration of ``samples``."""
        return self.samples / SAMPLE_RATE
