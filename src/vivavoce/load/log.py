"""What one stream sent and saw, and when: the raw material of every figure."""

from bisect import bisect_left
from dataclasses import dataclass, field

from vivavoce.client import Message


@dataclass(frozen=True, slots=True)
class Seen:
    """A message and the second at which it came, on the stream's clock."""

    at: float
    message: Message


@dataclass(slots=True)
class StreamLog:
    """One stream from its first sample to its end. Seconds, all on one clock.

    Attributes:
        speed: seconds of audio that were to be sent in a second.
        ends: position in the audio, in seconds, at which each chunk ended.
        sent: when that chunk left.
        seen: messages in the order of their arrival.
        stopped: when the stop was sent.
        over: when the session had ended.
        failure: why it did not end as it should.
    """

    speed: float = 1.0
    ends: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    stopped: float | None = None
    over: float | None = None
    failure: str | None = None

    def spoken_at(self, position: float) -> float:
        """When the sample at ``position`` existed.

        A chunk leaves once its last sample exists, so a sample is as much older as it stands
        before the chunk's end: chunks cost latency, and the figures show it.
        """
        chunk = min(bisect_left(self.ends, position), len(self.ends) - 1)
        return self.sent[chunk] - max(self.ends[chunk] - position, 0.0) / self.speed

    @property
    def seconds(self) -> float:
        """Audio sent."""
        return self.ends[-1] if self.ends else 0.0

    @property
    def late(self) -> float:
        """The most that a chunk left later than its last sample would have been spoken."""
        if not self.sent:
            return 0.0
        begun = self.sent[0] - self.ends[0] / self.speed
        dues = (begun + end / self.speed for end in self.ends)
        return max(sent - due for sent, due in zip(self.sent, dues, strict=True))
