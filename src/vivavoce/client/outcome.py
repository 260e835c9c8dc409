"""Outcomes of a lost connection, and the delay before the next attempt."""

from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.protocol.close_codes import CloseCode


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Open the same URL again after ``delay`` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection has ended; ``code`` is a close code or a refused handshake's HTTP status."""

    code: int
    reason: str

    @property
    def finished(self) -> bool:
        """Whether the session finished normally."""
        return self.code == CloseCode.FINISHED


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: the n-th attempt in a row waits up to ``base * 2**n`` seconds, at most ``cap``.

    ``attempts`` limits consecutive attempts without an acknowledgement; the defaults tolerate a
    server outage of about two minutes.
    """

    base: float = 0.2
    cap: float = 8.0
    attempts: int = 36

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """Return the seconds before attempt ``attempt`` (from 0); ``random`` returns [0, 1)."""
        return random() * min(self.cap, self.base * 2.0 ** min(attempt, 32))
