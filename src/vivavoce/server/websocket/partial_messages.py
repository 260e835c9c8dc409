"""The memory that incomplete messages may take, over all connections together. Pure.

Each connection may hold one incomplete message up to the size of the largest. Many at once would
be more than a small machine has: past the limit the connection whose message arrives slowest is
given up. Its client comes back, and resends; one whose bytes arrive briskly is never the victim
of those that only hold what they sent.
"""

from typing import Generic, TypeVar

MAX_PARTIAL_BYTES = 512 * 1024 * 1024
"""Bytes of incomplete messages on all connections together."""

NOTABLE_SIZE = 1 << 20
"""Incomplete messages up to this size are not looked at."""

Holder = TypeVar("Holder")


class PartialMessages(Generic[Holder]):
    """Keeps account of who holds how much.

    Args:
        limit: bytes that all may hold together.
        notable: bytes up to which a holder is left out.
    """

    def __init__(self, limit: int = MAX_PARTIAL_BYTES, notable: int = NOTABLE_SIZE) -> None:
        self._limit = limit
        self._notable = notable
        self._held: dict[Holder, int] = {}
        self._since: dict[Holder, float] = {}
        self.total = 0

    def update(self, holder: Holder, held: int, now: float) -> Holder | None:
        """Note what a holder holds now, and return the one to give up, if that is too much."""
        if held < self._notable:
            self.drop(holder)
            return None
        self._since.setdefault(holder, now)
        self.total += held - self._held.get(holder, 0)
        self._held[holder] = held
        return self._slowest(now) if self.total > self._limit else None

    def drop(self, holder: Holder) -> None:
        """Forget a holder that holds nothing any more."""
        self.total -= self._held.pop(holder, 0)
        self._since.pop(holder, None)

    def _slowest(self, now: float) -> Holder:
        """The holder with the fewest bytes per second since it became notable."""
        return min(self._held, key=lambda each: self._held[each] / (now - self._since[each] + 1))
