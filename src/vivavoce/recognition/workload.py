"""Measured share of the workers' time that goes into jobs that must not wait.

Due jobs count: finals, and the language requests they wait for, of speech as it is spoken.
Partials do not count, because they yield, nor does audio sent ahead of time, because it can wait.
All measurements decay: those of a minute ago say nothing about the present.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

FADING = 10.0
"""Time constant of the decay, in seconds: measurements lose most of their weight in it."""

_LONG = 300.0  # the same for the cost of speech, which depends on model and machine
_LATE = 1.0  # seconds past its deadline after which a final counts as late
_SUPPOSED_COST = 0.03  # Moonshine tiny on a 2024 core, with context
_SUPPOSED_SPEECH = 5.0  # weight of the assumed cost, in seconds of speech


class Fading:
    """A sum whose terms decay exponentially with time."""

    def __init__(self, fading: float) -> None:
        self._fading = fading
        self._sum = 0.0
        self._at = 0.0

    def add(self, amount: float, now: float) -> None:
        """Add a term at its full weight."""
        self._sum = self.at(now) + amount
        self._at = max(self._at, now)

    def at(self, now: float) -> float:
        """Return the sum at ``now``."""
        return self._sum * math.exp(-max(now - self._at, 0.0) / self._fading)


@dataclass(frozen=True, slots=True)
class Load:
    """Load of the due jobs at one moment.

    Attributes:
        busy: worker seconds that they take per second, by engine.
        cost: worker seconds per second of speech.
        late: decaying count of due jobs that a worker took more than a second past their deadline.
        on_time: decaying count of the others.
    """

    busy: Mapping[str, float]
    cost: float
    late: float
    on_time: float


class Workload:
    """Measures the work for due jobs; ``now`` is any monotonic clock."""

    def __init__(self) -> None:
        self._busy: dict[str, Fading] = {}
        self._seconds, self._speech = Fading(_LONG), Fading(_LONG)
        self._late, self._on_time = Fading(FADING), Fading(FADING)

    def taken(self, deadline: float, now: float) -> None:
        """Record that a worker takes a due job."""
        (self._late if now > deadline + _LATE else self._on_time).add(1.0, now)

    def done(self, engine: str, seconds: float, speech: float, now: float) -> None:
        """Record that a worker spent ``seconds`` on a due job with ``speech`` seconds of speech."""
        self._busy.setdefault(engine, Fading(FADING)).add(seconds, now)
        self._seconds.add(seconds, now)
        self._speech.add(speech, now)

    def load(self, now: float) -> Load:
        """Return the current load."""
        speech = self._speech.at(now) + _SUPPOSED_SPEECH
        supposed = _SUPPOSED_SPEECH * _SUPPOSED_COST
        return Load(
            busy={engine: busy.at(now) / FADING for engine, busy in self._busy.items()},
            cost=(self._seconds.at(now) + supposed) / speech,
            late=self._late.at(now),
            on_time=self._on_time.at(now),
        )
