"""What follows the loss of a connection, and how long to wait before the next."""

from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.protocol.close_codes import CloseCode


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Open the same URL again after ``delay`` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more comes; ``code`` is a close code, or the status that refused the handshake."""

    code: int
    reason: str

    @property
    def finished(self) -> bool:
        """Whether the session came to its proper end."""
        return self.code == CloseCode.FINISHED


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: the n-th attempt in a row waits up to ``base * 2**n`` seconds, at most ``cap``.

    ``attempts`` in a row without an acknowledgement are the limit; with these numbers a server
    may be away for about two minutes.
    """

    base: float = 0.2
    cap: float = 8.0
    attempts: int = 36

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """Seconds to wait before attempt ``attempt`` (from 0); ``random`` gives [0, 1)."""
        return random() * min(self.cap, self.base * 2.0 ** min(attempt, 32))
