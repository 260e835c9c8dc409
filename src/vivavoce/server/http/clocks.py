"""Deadlines for the parts of a request, and the detection of clients that stop reading.

No I/O: the time is an argument.
"""

from enum import Enum, auto

from vivavoce.server.http.bounds import RequestBounds


class Phase(Enum):
    """The event that a connection waits for."""

    HEAD = auto()
    BODY = auto()
    RESPONSE = auto()
    """The request is complete; the connection waits for the application only."""
    IDLE = auto()
    LINGER = auto()


class RequestClock:
    """The deadline of one connection; its methods move it, received bytes alone do not.

    Attributes:
        deadline: the time by which the phase must end, or None.
    """

    def __init__(self, bounds: RequestBounds, now: float) -> None:
        self._bounds = bounds
        self._begin_head(now)

    def _begin_head(self, now: float) -> None:
        self._begun = now
        self._enter(Phase.HEAD, now + self._bounds.head_seconds)

    def _enter(self, phase: Phase, deadline: float | None) -> None:
        self.phase = phase
        self.deadline = deadline

    def head_begun(self, now: float) -> None:
        """Start the time of a head: its first byte has arrived."""
        if self.phase is Phase.IDLE:
            self._begin_head(now)

    def head_read(self, now: float) -> None:
        """Enter the body phase: the head is complete; the time of the request continues."""
        self.head_begun(now)  # a head may arrive in one piece
        self._enter(Phase.BODY, self._begun + self._bounds.request_seconds)

    def request_read(self) -> None:
        """Stop the time of the request: it is complete, trailers included."""
        if self.phase is Phase.BODY:
            self._enter(Phase.RESPONSE, None)

    def answered(self, now: float) -> None:
        """Start the idle time: the response to a complete request has been written."""
        self._enter(Phase.IDLE, now + self._bounds.keep_alive_seconds)

    def linger(self, now: float) -> None:
        """Start the time before the close, in which input is discarded."""
        self._enter(Phase.LINGER, now + self._bounds.linger_seconds)


class ReaderWatch:
    """Detects a client that reads none of the data sent to it.

    Progress is measured by acknowledged bytes, so a slow client counts as reading.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._since = now
        self._delivered = -1

    def is_stalled(self, now: float, delivered: int) -> bool:
        """Return whether nothing was delivered for too long.

        Args:
            now: the time.
            delivered: bytes of the connection that the client has acknowledged so far.
        """
        if delivered > self._delivered:
            self._delivered, self._since = delivered, now
        return now - self._since >= self._seconds
