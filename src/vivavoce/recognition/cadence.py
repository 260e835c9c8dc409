"""Rate control of partial refreshes: frequent on an idle machine, rare or off under load.

A control loop with fixed time steps that measures how long jobs wait for a worker. While nothing
waits, refreshes become more frequent; while jobs wait, less frequent; if jobs wait even at the
slowest rate, refreshes stop until the queue has been calm for a while. First partials are not
controlled here.
"""

from vivavoce.recognition.jobs import Source

FASTEST = 0.25
SLOWEST = 1.0
"""Longest interval between two refreshes of a channel, in seconds; ``FASTEST`` is the shortest."""

STEP = 0.25
_LONG_AGO = 40  # most steps made up for at once
_CALM, _BUSY, _OVERLOADED = 0.05, 0.15, 0.5  # seconds that a job waited
_FASTER, _SLOWER = 0.9, 1.3
_CALM_STEPS = 4


class Cadence:
    """Tracks when the next refresh of each channel is due. End sessions with ``forget``.

    Attributes:
        interval: seconds between two refreshes of a channel; None while refreshes are off.
        spared: refreshes refused as too early so far.
    """

    def __init__(self) -> None:
        self.interval: float | None = FASTEST
        self.spared = 0
        self._due: dict[Source, float] = {}
        self._stepped = 0.0
        self._worst = 0.0
        self._calm = 0

    def note(self, waited: float, now: float) -> None:
        """Record that a job has waited for ``waited`` seconds so far."""
        self._advance(now)
        self._worst = max(self._worst, waited)

    def admits(self, source: Source, spoken: float, now: float) -> bool:
        """Return whether a channel's refresh is due; if so, it counts as requested.

        Args:
            source: the channel.
            spoken: when the last of its audio was or would have been spoken. Refreshes are spaced
                by this time, so that a file that is sent at once has refreshes too.
            now: the time.
        """
        self._advance(now)
        due = self._due.get(source, spoken)
        if self.interval is None or spoken < due:
            self.spared += 1
            return False
        # A channel that can only request occasionally keeps the rate, not the spacing.
        self._due[source] = max(due, spoken - self.interval) + self.interval
        return True

    def forget(self, session: str) -> None:
        """Discard the state of an ended session."""
        for source in [source for source in self._due if source[0] == session]:
            del self._due[source]

    def _advance(self, now: float) -> None:
        steps = int((now - self._stepped) / STEP)
        if steps < 1:
            return
        self._stepped = now
        for _ in range(min(steps, _LONG_AGO)):
            self._step(self._worst)
            self._worst = 0.0  # no wait was recorded in the steps after the first

    def _step(self, waited: float) -> None:
        self._calm = self._calm + 1 if waited < _CALM else 0
        if self.interval is None:
            if self._calm >= _CALM_STEPS:
                self.interval = SLOWEST
        elif waited > _OVERLOADED and self.interval == SLOWEST:
            self.interval = None
        elif waited > _BUSY:
            self.interval = min(self.interval * _SLOWER, SLOWEST)
        elif waited < _CALM:
            self.interval = max(self.interval * _FASTER, FASTEST)
