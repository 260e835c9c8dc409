"""How often each holder of a key may do something that costs others. No I/O, no clock."""

from dataclasses import dataclass, field

from vivavoce.server.websocket.token_bucket import TokenBucket


@dataclass(slots=True)
class Allowance:
    """A token bucket for each key's owner; owners are as few as keys.

    Attributes:
        per_minute: in the long run.
        at_once: in a burst.
    """

    per_minute: float
    at_once: int
    _buckets: dict[str, TokenBucket] = field(default_factory=dict)

    def wait(self, owner: str, now: float) -> float:
        """Seconds until the owner may; 0 means now, and counts."""
        bucket = self._buckets.get(owner)
        if bucket is None:
            bucket = self._buckets[owner] = TokenBucket(self.per_minute / 60, self.at_once, now)
        return 0.0 if bucket.take(now) else bucket.wait(now)
