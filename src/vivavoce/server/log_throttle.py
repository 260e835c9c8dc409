"""Rate limit for log lines of one kind, so that no client can fill the disk. No I/O."""

from collections import OrderedDict
from dataclasses import dataclass

LINES_PER_SECOND = 2.0
"""Lines of one kind per second in the long run."""

LINES_AT_ONCE = 100
"""Lines of one kind at once: a crashing worker writes its traceback line by line."""

MOST_KINDS = 500
"""Maximum of remembered kinds; beyond it the least recently used is dropped."""


@dataclass(slots=True)
class _Kind:
    """A token bucket, and the lines suppressed since the last one that passed."""

    tokens: float
    at: float
    suppressed: int = 0


class LogThrottle:
    """Admits a bounded number of lines of each kind, and counts the others."""

    def __init__(
        self,
        rate: float = LINES_PER_SECOND,
        burst: int = LINES_AT_ONCE,
        most_kinds: int = MOST_KINDS,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._most_kinds = most_kinds
        self._kinds: OrderedDict[str, _Kind] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kinds)

    def admit(self, kind: str, now: float) -> int | None:
        """Return the lines suppressed before this one; None if this one is suppressed too."""
        found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = _Kind(float(self._burst), now)
            if len(self._kinds) > self._most_kinds:
                self._kinds.popitem(last=False)
        self._kinds.move_to_end(kind)
        refilled = found.tokens + (now - found.at) * self._rate
        found.tokens, found.at = min(refilled, float(self._burst)), now
        if found.tokens < 1:
            found.suppressed += 1
            return None
        found.tokens -= 1
        suppressed, found.suppressed = found.suppressed, 0
        return suppressed
