"""Whether the machine can take one more session, judged by what those that it has cost.

A pure policy. The load is the share of the workers' time that finals take, as measured; partials
do not count, for they give way. A session that has just been made is not in the measure yet, so it
counts with what speech has cost so far, less and less as its audio comes in: else a crowd that
comes at once would all be let in. What is silent costs nothing, and is counted so.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vivavoce.recognition.workload import FADING, Load

RETRY_SECONDS = 5
_SPREAD = 5
_CONNECTING = 30.0  # seconds for which a client that sends nothing is expected
_QUIET = 0.05  # a load at which anybody is let in: there is nobody to be protected
_MANY_FINALS = 4.0  # fewer say nothing


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A session whose work is not in the measured load yet, or not all of it.

    Attributes:
        channels: of its audio.
        age: seconds since it was made.
        heard: seconds of audio that it has sent to this process.
    """

    channels: int
    age: float
    heard: float

    @property
    def unmeasured(self) -> float:
        """Which part of its work the load does not show yet, 0 to 1."""
        if not self.heard and self.age > _CONNECTING:
            return 0.0
        return math.exp(-self.heard / FADING)

    @property
    def talk(self) -> float:
        """Seconds of speech that it is expected to hold each second: channels take turns."""
        return max(1.0, self.channels / 2)


class Admission:
    """The policy.

    Args:
        most: the load up to which sessions are let in; 0 lets everybody in.

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
        """Decide on a session.

        Args:
            wanted: the session.
            load: as measured.
            workers: how many each engine has.
            newcomers: the sessions that are let in already and not fully measured.

        Returns:
            0 to let it in, else the seconds after which to try again: not the same for all, so that
            those who were refused together do not come back together.
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
    """The load with those that it does not show yet: 1 is all the time that there is.

    Engines share the cores, so their work adds up; one that has few workers may be full before.
    """
    cores = max(workers.values())
    expected = load.cost * sum(each.talk * each.unmeasured for each in newcomers)
    together = (sum(load.busy.values()) + expected) / cores
    fullest = max((busy / workers.get(name, cores) for name, busy in load.busy.items()), default=0)
    return max(together, fullest)


def _are_late(load: Load) -> bool:
    """Whether finals come too late though the workers do not seem to be full: some are gone."""
    return load.late > load.on_time and load.late >= _MANY_FINALS
