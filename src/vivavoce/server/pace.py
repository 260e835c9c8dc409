"""How fast frames may come: a bucket of tokens, so that bursts pass and floods are slowed."""


class Pace:
    """Says how long to wait before the next frame is read.

    Args:
        rate: frames per second in the long run.
        burst: frames that may come at once.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def spare(self, now: float) -> bool:
        """Whether a frame may be read at ``now`` without any wait; if so, it counts as read."""
        left = self._left(now)
        if left < 0:
            return False
        self._tokens, self._at = left, now
        return True

    def delay(self, now: float) -> float:
        """Seconds to wait after a frame that was read at ``now``; 0 as a rule."""
        self._tokens, self._at = self._left(now), now
        return max(-self._tokens / self._rate, 0.0)

    def _left(self, now: float) -> float:
        """Tokens that are left once a frame is read at ``now``; under nought, frames too many."""
        return min(self._tokens + (now - self._at) * self._rate, self._burst) - 1
