"""How long each part of a request may take, and when a client has stopped reading.

No I/O: the time is an argument.
"""

from enum import Enum, auto

from vivavoce.server.http.bounds import RequestBounds


class Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    BODY = auto()
    RESPONSE = auto()
    """The application; the request is whole, and nothing is due from the client."""
    IDLE = auto()
    LINGER = auto()


class RequestClock:
    """The deadline of one connection; only what its methods name moves it, not any byte.

    Attributes:
        deadline: when the phase must have ended, or None.
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
        """A byte of a head has come: the time between requests ends."""
        if self.phase is Phase.IDLE:
            self._begin_head(now)

    def head_read(self, now: float) -> None:
        """The head is whole; the time of the whole request goes on."""
        self.head_begun(now)  # a head may come in one piece
        self._enter(Phase.BODY, self._begun + self._bounds.request_seconds)

    def request_read(self) -> None:
        """The request is whole, trailers included."""
        if self.phase is Phase.BODY:
            self._enter(Phase.RESPONSE, None)

    def answered(self, now: float) -> None:
        """The response to a whole request has been written."""
        self._enter(Phase.IDLE, now + self._bounds.keep_alive_seconds)

    def linger(self, now: float) -> None:
        """The connection will close, and what still arrives is discarded."""
        self._enter(Phase.LINGER, now + self._bounds.linger_seconds)


class ReaderWatch:
    """Notices a client that takes nothing of what waits for it.

    Progress is what the client has acknowledged, so a slow client counts as one that reads.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._since = now
        self._delivered = -1

    def is_stalled(self, now: float, delivered: int) -> bool:
        """Whether nothing was delivered for too long.

        Args:
            now: the time.
            delivered: bytes of the connection that the client has acknowledged so far.
        """
        if delivered > self._delivered:
            self._delivered, self._since = delivered, now
        return now - self._since >= self._seconds
