"""Limits of concurrent requests, so that a dead endpoint slows no other endpoint. No I/O."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Slots:
    """Slots for concurrent requests, in total and per origin.

    Retries use at most half of each limit, so that an endpoint whose requests time out leaves
    the other half to endpoints that respond.

    Attributes:
        total: maximum concurrent requests.
        per_origin: maximum concurrent requests to one scheme, host and port.
    """

    total: int = 128
    per_origin: int = 16
    _taken: Counter[str] = field(default_factory=Counter)
    _failing: Counter[str] = field(default_factory=Counter)

    @property
    def free(self) -> int:
        """Number of free slots."""
        return self.total - self._taken.total()

    @property
    def retries_full(self) -> bool:
        """Whether no more retries may start."""
        return self._failing.total() >= self.total // 2

    def full(self) -> Iterator[str]:
        """Return the origins to which no more requests may start."""
        return (origin for origin, count in self._taken.items() if count >= self.per_origin)

    def full_of_retries(self) -> Iterator[str]:
        """Return the origins to which no more retries may start."""
        most = self.per_origin // 2
        return (origin for origin, count in self._failing.items() if count >= most)

    def take(self, origin: str, *, failing: bool) -> bool:
        """Acquire a slot for a request; False if none is free. ``failing`` marks a retry."""
        if self.free <= 0 or self._taken[origin] >= self.per_origin:
            return False
        if failing and (self.retries_full or self._failing[origin] >= self.per_origin // 2):
            return False
        self._taken[origin] += 1
        self._failing[origin] += failing
        return True

    def give_back(self, origin: str, *, failing: bool) -> None:
        """Release a slot that was acquired with the same arguments."""
        self._taken[origin] -= 1
        self._failing[origin] -= failing
        for counter in (self._taken, self._failing):
            if not counter[origin]:
                del counter[origin]
