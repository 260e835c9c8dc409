"""Which acknowledgements a client has certainly read. No I/O. Contract §13, row 156."""

from dataclasses import dataclass

SETTLE_SECONDS = 1.0
"""Time between two answered pings after which an acknowledgement before the first one counts.

A pong proves that the client's library has received what came before it. The application behind
it may still have to take it; a client that breaks off in between sends that audio again.
"""


@dataclass(frozen=True, slots=True)
class _Answered:
    end: int
    at: float


class AckConfirmation:
    """Follows the acknowledgements of one session over all of its connections.

    Attributes:
        written: end of the last acknowledgement that was written to the current connection.
        confirmed: end of the last one that the client has certainly read.
    """

    def __init__(self) -> None:
        self.written = 0
        self.confirmed = 0
        self._answered: _Answered | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing that was written is left to confirm."""
        return self.written <= self.confirmed

    def sent(self, end: int) -> None:
        """Note an acknowledgement that was written to the connection."""
        self.written = max(self.written, end)

    def answered(self, end: int, now: float) -> None:
        """Note the answer to a ping that was sent after the acknowledgement up to ``end``."""
        before = self._answered
        if before is None:
            self._answered = _Answered(end, now)
        elif now - before.at >= SETTLE_SECONDS:
            self.confirmed = max(self.confirmed, before.end)
            self._answered = _Answered(end, now)

    def disconnected(self) -> None:
        """Forget what the connection that has ended leaves unproved."""
        self.written = self.confirmed
        self._answered = None
