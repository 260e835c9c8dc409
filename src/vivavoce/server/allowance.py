"""Rate limit per key owner for costly operations. No I/O, no clock."""

from dataclasses import dataclass, field

from vivavoce.server.websocket.token_bucket import TokenBucket


@dataclass(slots=True)
class Allowance:
    """A token bucket for each key owner; there are no more owners than keys.

    Attributes:
        per_minute: operations per minute in the long run.
        at_once: operations in a burst.
    """

    per_minute: float
    at_once: int
    _buckets: dict[str, TokenBucket] = field(default_factory=dict)

    def wait(self, owner: str, now: float) -> float:
        """Return the seconds until the owner may proceed; 0 consumes a token."""
        bucket = self._buckets.get(owner)
        if bucket is None:
            bucket = self._buckets[owner] = TokenBucket(self.per_minute / 60, self.at_once, now)
        return 0.0 if bucket.take(now) else bucket.wait(now)
