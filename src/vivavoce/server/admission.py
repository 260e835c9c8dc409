"""Decides whether the machine can serve one more session, by the cost of the current ones.

A pure policy. The load is the measured share of the workers' time that finals take; partials do
not count, because they yield to finals. A new session is not yet part of the measured load, so it
counts with the average cost of speech so far, less and less as its audio arrives: otherwise many
sessions that arrive at once would all be admitted. Silence costs nothing and is counted as such.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vivavoce.recognition.workload import FADING, Load

RETRY_SECONDS = 5
_SPREAD = 5
_CONNECTING = 30.0  # seconds for which a client that has sent nothing counts as a newcomer
_QUIET = 0.05  # load up to which every session is admitted: no other session would suffer
_MANY_FINALS = 4.0  # fewer late finals are not significant


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A session whose work is not yet, or only partly, in the measured load.

    Attributes:
        channels: channels of its audio.
        age: seconds since it was created.
        heard: seconds of audio that it has sent to this process.
    """

    channels: int
    age: float
    heard: float

    @property
    def unmeasured(self) -> float:
        """The share of its work that the measured load does not include, 0 to 1."""
        if not self.heard and self.age > _CONNECTING:
            return 0.0
        return math.exp(-self.heard / FADING)

    @property
    def talk(self) -> float:
        """Expected seconds of speech per second: speakers on several channels take turns."""
        return max(1.0, self.channels / 2)


class Admission:
    """The admission policy.

    Args:
        most: the load up to which sessions are admitted; 0 admits every session.

    Attributes:
        refused: sessions refused so far.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self.refused = 0

    def refuse(
        self,
        wanted: Newcomer,
        load: Load,
        workers: Mapping[str, int],
        newcomers: Iterable[Newcomer],
    ) -> int:
        """Decide whether to admit a session.

        Args:
            wanted: the session.
            load: the measured load.
            workers: the number of workers of each engine.
            newcomers: the admitted sessions that are not fully measured.

        Returns:
            0 to admit it, else the seconds after which to retry; they vary, so that sessions
            refused together do not retry together.
        """
        if not self._most or not workers:
            return 0
        present = estimate(load, workers, newcomers)
        alone = estimate(load, workers, [wanted]) - estimate(load, workers, [])
        fits = present <= _QUIET or present + alone <= self._most
        if fits and not _are_late(load):
            return 0
        self.refused += 1
        return RETRY_SECONDS + self.refused % _SPREAD


def estimate(load: Load, workers: Mapping[str, int], newcomers: Iterable[Newcomer]) -> float:
    """Estimate the load, newcomers included; 1 is all the workers' time.

    Engines share the cores, so their work adds up; an engine with few workers may be full earlier.
    """
    cores = max(workers.values())
    expected = load.cost * sum(each.talk * each.unmeasured for each in newcomers)
    together = (sum(load.busy.values()) + expected) / cores
    fullest = max((busy / workers.get(name, cores) for name, busy in load.busy.items()), default=0)
    return max(together, fullest)


def _are_late(load: Load) -> bool:
    """Return whether most finals are late, which shows lost workers at a low measured load."""
    return load.late > load.on_time and load.late >= _MANY_FINALS
