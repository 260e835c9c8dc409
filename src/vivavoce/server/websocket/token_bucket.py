"""A token bucket: short bursts pass, the long-run rate is bounded. No clock."""


class TokenBucket:
    """Grants events up to a rate, plus a burst.

    Args:
        rate: events per second in the long run.
        burst: events at once.
        now: seconds of a monotonic clock.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token if one is available at ``now``."""
        tokens = self._tokens + (now - self._at) * self._rate
        if tokens > self._burst:  # noqa: PLR1730  half the cost of `min`, once for each chunk
            tokens = self._burst
        if tokens < 1:
            return False
        self._tokens, self._at = tokens - 1, now
        return True

    def wait(self, now: float) -> float:
        """Return the seconds until ``take`` succeeds; 0 if it does at ``now``."""
        return max((1 - self._refilled(now)) / self._rate, 0.0)

    def full(self, now: float) -> bool:
        """Return whether the bucket is full at ``now``, and so equal to a new one."""
        return self._refilled(now) >= self._burst

    def _refilled(self, now: float) -> float:
        return min(self._tokens + (now - self._at) * self._rate, self._burst)
