"""How often a channel's partial is refreshed: often on an idle machine, under load seldom or never.

A loop of control, stepped by time: it looks at how long jobs have waited for a worker. While
nothing waits, refreshes come faster; where they wait, slower; where they wait though they are as
slow as they may be, none are asked for until the queue has been calm for a while. First partials
are none of its business.
"""

from vivavoce.recognition.jobs import Source

FASTEST = 0.25
SLOWEST = 1.0
"""Seconds between two refreshes of a channel."""

STEP = 0.25
_LONG_AGO = 40  # steps after which all is forgotten
_CALM, _BUSY, _OVERLOADED = 0.05, 0.15, 0.5  # seconds that a job waited
_FASTER, _SLOWER = 0.9, 1.3
_CALM_STEPS = 4


class Cadence:
    """When the next refresh of each channel is due. Sessions must be ended with ``forget``.

    Attributes:
        interval: seconds between two refreshes of a channel; None: there are none now.
        spared: refreshes that came too early so far.
    """

    def __init__(self) -> None:
        self.interval: float | None = FASTEST
        self.spared = 0
        self._due: dict[Source, float] = {}
        self._stepped = 0.0
        self._worst = 0.0
        self._calm = 0

    def note(self, waited: float, now: float) -> None:
        """A job has waited for so many seconds, and may go on waiting."""
        self._advance(now)
        self._worst = max(self._worst, waited)

    def admits(self, source: Source, spoken: float, now: float) -> bool:
        """Whether a channel's refresh is due; it is taken for asked if so.

        Args:
            source: the channel.
            spoken: when the last of its audio was or would have been spoken: refreshes are that
                far apart also where a file is sent at once, or it would have none.
            now: the time.
        """
        self._advance(now)
        due = self._due.get(source, spoken)
        if self.interval is None or spoken < due:
            self.spared += 1
            return False
        # Who can only ask now and then keeps the rate, not the distance.
        self._due[source] = max(due, spoken - self.interval) + self.interval
        return True

    def forget(self, session: str) -> None:
        """A session has ended."""
        for source in [source for source in self._due if source[0] == session]:
            del self._due[source]

    def _advance(self, now: float) -> None:
        steps = int((now - self._stepped) / STEP)
        if steps < 1:
            return
        self._stepped = now
        for _ in range(min(steps, _LONG_AGO)):
            self._step(self._worst)
            self._worst = 0.0  # nothing was noted in the steps after the first

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
