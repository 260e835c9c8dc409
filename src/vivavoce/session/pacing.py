"""When audio would have been spoken, for clients that send it faster than that.

Deadlines are counted from there: whoever sends an hour at once has answers due over an hour, and
gets them sooner where nobody else needs the workers. So a file holds up no live speaker, and nobody
gains by sending faster.
"""

CREDIT = 5.0
"""Seconds by which audio may make up for a pause of the line at once."""


class Pace:
    """The clock of one session's audio; seconds, ``now`` on a clock that never goes back."""

    def __init__(self) -> None:
        self._origin = float("-inf")

    def spoken(self, position: float, now: float) -> float:
        """When the audio up to ``position`` was spoken, or would have been; never before now."""
        self._origin = max(self._origin, now - position - CREDIT)
        return max(now, self._origin + position)
