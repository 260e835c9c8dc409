"""How much of the workers' time goes into what must not wait: measured, not guessed.

Counted is what is owed: finals, and the languages they wait for, of speech as it is spoken.
Partials are not, for they give way; nor is what was sent ahead of time, for it can wait. All of it
fades: what was measured a minute ago says nothing of now.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

FADING = 10.0
"""Seconds in which what was measured loses most of its weight."""

_LONG = 300.0  # the same for what speech costs, which is a matter of model and machine
_LATE = 1.0  # seconds past its deadline from which on a final counts as late
_SUPPOSED_COST = 0.03  # Moonshine tiny on a core of 2024, with context
_SUPPOSED_SPEECH = 5.0  # seconds of speech that the supposition weighs as much as


class Fading:
    """A sum whose terms fade away with time."""

    def __init__(self, fading: float) -> None:
        self._fading = fading
        self._sum = 0.0
        self._at = 0.0

    def add(self, amount: float, now: float) -> None:
        """Add a term at its full weight."""
        self._sum = self.at(now) + amount
        self._at = max(self._at, now)

    def at(self, now: float) -> float:
        """The sum now."""
        return self._sum * math.exp(-max(now - self._at, 0.0) / self._fading)


@dataclass(frozen=True, slots=True)
class Load:
    """What is owed at the moment.

    Attributes:
        busy: seconds of workers that it takes each second, by engine.
        cost: seconds of a worker for each second of speech.
        late: how many finals of the last seconds came to a worker much too late, a fading count.
        on_time: how many did not.
    """

    busy: Mapping[str, float]
    cost: float
    late: float
    on_time: float


class Workload:
    """What workers have done for what is owed; ``now`` is any clock that never goes back."""

    def __init__(self) -> None:
        self._busy: dict[str, Fading] = {}
        self._seconds, self._speech = Fading(_LONG), Fading(_LONG)
        self._late, self._on_time = Fading(FADING), Fading(FADING)

    def taken(self, deadline: float, now: float) -> None:
        """A final has come to a worker."""
        (self._late if now > deadline + _LATE else self._on_time).add(1.0, now)

    def done(self, engine: str, seconds: float, speech: float, now: float) -> None:
        """A worker has spent ``seconds`` on a final of ``speech`` seconds."""
        self._busy.setdefault(engine, Fading(FADING)).add(seconds, now)
        self._seconds.add(seconds, now)
        self._speech.add(speech, now)

    def load(self, now: float) -> Load:
        """What is owed now."""
        speech = self._speech.at(now) + _SUPPOSED_SPEECH
        supposed = _SUPPOSED_SPEECH * _SUPPOSED_COST
        return Load(
            busy={engine: busy.at(now) / FADING for engine, busy in self._busy.items()},
            cost=(self._seconds.at(now) + supposed) / speech,
            late=self._late.at(now),
            on_time=self._on_time.at(now),
        )
