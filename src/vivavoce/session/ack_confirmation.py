"""Track which acknowledgements a client has certainly read. No I/O. Contract §13, row 156."""

from dataclasses import dataclass

SETTLE_SECONDS = 1.0
"""Seconds between two answered pings after which acknowledgements before the first are confirmed.

A pong proves that the client's library has received all messages before the ping, but the
application may not have read them yet; a client that disconnects in between resends that audio.
"""


@dataclass(frozen=True, slots=True)
class _Answered:
    end: int
    at: float


class AckConfirmation:
    """Track the acknowledgements of one session over all of its connections.

    Attributes:
        written: end of the last acknowledgement that was written to the current connection.
        confirmed: end of the last acknowledgement that the client has certainly read.
    """

    def __init__(self) -> None:
        self.written = 0
        self.confirmed = 0
        self._answered: _Answered | None = None

    @property
    def complete(self) -> bool:
        """Whether every written acknowledgement is confirmed."""
        return self.written <= self.confirmed

    def sent(self, end: int) -> None:
        """Record an acknowledgement that was written to the connection."""
        self.written = max(self.written, end)

    def answered(self, end: int, now: float) -> None:
        """Record the answer to a ping that was sent after the acknowledgement up to ``end``."""
        before = self._answered
        if before is None:
            self._answered = _Answered(end, now)
        elif now - before.at >= SETTLE_SECONDS:
            self.confirmed = max(self.confirmed, before.end)
            self._answered = _Answered(end, now)

    def disconnected(self) -> None:
        """Discard the unconfirmed acknowledgements of a connection that has ended."""
        self.written = self.confirmed
        self._answered = None
