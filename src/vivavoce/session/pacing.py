"""Media clock: when audio was spoken, or would have been if a client sends faster than real time.

Deadlines count from this time. A client that sends an hour of audio at once has deadlines spread
over an hour, and gets results earlier if the workers are free. A file therefore delays no live
speaker, and sending faster gives no advantage.
"""

CREDIT = 5.0
"""Seconds of audio that may catch up at once after a pause of the connection."""


class Pace:
    """The media clock of one session, in seconds; ``now`` is read from a monotonic clock."""

    def __init__(self) -> None:
        self._origin = float("-inf")

    def spoken(self, position: float, now: float) -> float:
        """Return when the audio up to ``position`` was or would be spoken; never before ``now``."""
        self._origin = max(self._origin, now - position - CREDIT)
        return max(now, self._origin + position)
