"""Bounds the memory of incomplete messages, over all connections together. Pure.

Each connection may hold one incomplete message of the maximum size. Many at once would exceed the
memory of a small machine: above the limit, the connection whose message arrives slowest is closed.
Its client reconnects and resends. A connection whose bytes arrive quickly is never closed because
of others whose messages make no progress.
"""

from typing import Generic, TypeVar

MAX_PARTIAL_BYTES = 512 * 1024 * 1024
"""Bytes of incomplete messages on all connections together."""

NOTABLE_SIZE = 1 << 20
"""Incomplete messages below this size are not counted."""

Holder = TypeVar("Holder")


class PartialMessages(Generic[Holder]):
    """Records how many bytes each connection holds.

    Args:
        limit: bytes that all connections may hold together.
        notable: bytes below which a connection is not counted.
    """

    def __init__(self, limit: int = MAX_PARTIAL_BYTES, notable: int = NOTABLE_SIZE) -> None:
        self._limit = limit
        self._notable = notable
        self._held: dict[Holder, int] = {}
        self._since: dict[Holder, float] = {}
        self.total = 0

    def update(self, holder: Holder, held: int, now: float) -> Holder | None:
        """Record a holder's bytes; return the holder to close if the total exceeds the limit."""
        if held < self._notable:
            self.drop(holder)
            return None
        self._since.setdefault(holder, now)
        self.total += held - self._held.get(holder, 0)
        self._held[holder] = held
        return self._slowest(now) if self.total > self._limit else None

    def drop(self, holder: Holder) -> None:
        """Remove a holder that no longer holds bytes."""
        self.total -= self._held.pop(holder, 0)
        self._since.pop(holder, None)

    def _slowest(self, now: float) -> Holder:
        """Return the holder with the fewest bytes per second since it became notable."""
        return min(self._held, key=lambda each: self._held[each] / (now - self._since[each] + 1))
