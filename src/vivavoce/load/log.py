"""Log of everything one stream sent and received, with times; every figure derives from it."""

from bisect import bisect_left
from dataclasses import dataclass, field

from vivavoce.client import Message


@dataclass(frozen=True, slots=True)
class Seen:
    """A message and its time of arrival in seconds, on the stream's clock."""

    at: float
    message: Message


@dataclass(slots=True)
class StreamLog:
    """One stream from its first sample to its end; times in seconds, all on one clock.

    Attributes:
        speed: intended seconds of audio sent per second.
        ends: end position of each chunk in the audio, in seconds.
        sent: time at which each chunk was sent.
        seen: messages in the order of their arrival.
        stopped: time at which the stop was sent.
        over: time at which the session had ended.
        failure: reason if the session did not end normally.
    """

    speed: float = 1.0
    ends: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    stopped: float | None = None
    over: float | None = None
    failure: str | None = None

    def spoken_at(self, position: float) -> float:
        """Return the time at which the sample at ``position`` was spoken.

        A chunk is sent when its last sample exists, and its other samples are older by their
        distance from the chunk's end. The figures thus include the latency of chunking.
        """
        chunk = min(bisect_left(self.ends, position), len(self.ends) - 1)
        return self.sent[chunk] - max(self.ends[chunk] - position, 0.0) / self.speed

    @property
    def seconds(self) -> float:
        """Seconds of audio sent."""
        return self.ends[-1] if self.ends else 0.0

    @property
    def late(self) -> float:
        """Greatest delay between the time a chunk's last sample is due and its sending."""
        if not self.sent:
            return 0.0
        begun = self.sent[0] - self.ends[0] / self.speed
        dues = (begun + end / self.speed for end in self.ends)
        return max(sent - due for sent, due in zip(self.sent, dues, strict=True))
