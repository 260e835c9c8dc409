"""What a live session asks of recognition: one decode, with a kind and a deadline."""

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
"""What the request of each kind of job must ask for."""

PATIENCE: Mapping[JobKind, float] = {
    "final": 0.2,
    "language": 0.2,
    "first_partial": 0.3,
    "foreseen": 0.5,
    "refresh_partial": 1.0,
}
"""Seconds within which each kind of answer is wanted: what deadlines are made of (design §4.6)."""

Source: TypeAlias = tuple[str, int]
"""A session id and a channel: who is speaking."""

BYTES_PER_SAMPLE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One decode that somebody awaits. Two jobs are never equal, whatever they hold.

    Attributes:
        session: id of the session, for cancelling and for fairness.
        channel: channel of the session. It has one open utterance at a time, so a final ends
            whatever partials of the channel were asked for before it.
        kind: ``final``; ``foreseen``, a final whose endpoint is not confirmed yet;
            ``first_partial`` of an utterance; ``refresh_partial`` of one already seen;
            ``language`` of an utterance, for which its final waits.
        engine: name of the engine that must answer.
        deadline: when the answer should be there, in seconds of the recogniser's clock.
        request: what to decode.
    """

    session: str
    channel: int
    kind: JobKind
    engine: str
    deadline: float
    request: DecodeRequest

    @property
    def is_final(self) -> bool:
        """Whether the answer ends an utterance for certain."""
        return self.kind == "final"

    @property
    def is_partial(self) -> bool:
        """Whether the job may be dropped for others."""
        return PURPOSES[self.kind] == "partial"

    @property
    def source(self) -> Source:
        """The channel that the job comes from."""
        return self.session, self.channel

    @property
    def samples(self) -> int:
        """Samples that an engine has to hear: the span and its context."""
        request = self.request
        return (len(request.audio) + len(request.context.audio)) // BYTES_PER_SAMPLE

    @property
    def audio_seconds(self) -> float:
        """Duration of ``samples``."""
        return self.samples / SAMPLE_RATE
