"""How many requests may be under way, and whose: one dead endpoint must slow nobody. No I/O."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Slots:
    """Requests under way, in all and by origin.

    Those who failed before take at most half of every bound: an endpoint that lets each request
    run into its time limit then leaves the other half to those who answer.

    Attributes:
        total: requests at a time.
        per_origin: the same to one scheme, host and port.
    """

    total: int = 128
    per_origin: int = 16
    _taken: Counter[str] = field(default_factory=Counter)
    _failing: Counter[str] = field(default_factory=Counter)

    @property
    def free(self) -> int:
        """How many more may begin, whosever they are."""
        return self.total - self._taken.total()

    @property
    def retries_full(self) -> bool:
        """No more of those who failed before may begin."""
        return self._failing.total() >= self.total // 2

    def full(self) -> Iterator[str]:
        """Origins to which nothing more may begin."""
        return (origin for origin, count in self._taken.items() if count >= self.per_origin)

    def full_of_retries(self) -> Iterator[str]:
        """Origins to which nothing more may begin that failed before."""
        most = self.per_origin // 2
        return (origin for origin, count in self._failing.items() if count >= most)

    def take(self, origin: str, *, failing: bool) -> bool:
        """Begin a request, if it may."""
        if self.free <= 0 or self._taken[origin] >= self.per_origin:
            return False
        if failing and (self.retries_full or self._failing[origin] >= self.per_origin // 2):
            return False
        self._taken[origin] += 1
        self._failing[origin] += failing
        return True

    def give_back(self, origin: str, *, failing: bool) -> None:
        """A request that was taken with these values is over."""
        self._taken[origin] -= 1
        self._failing[origin] -= failing
        for counter in (self._taken, self._failing):
            if not counter[origin]:
                del counter[origin]
