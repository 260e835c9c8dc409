"""When to ping a peer, and when to give it up. Pure.

A pong is one sign of life, and received bytes are another: while a long message arrives over a
slow link no pong can pass it. Bytes alone do not count without end, though: a peer that sends and
answers nothing for `UNANSWERED_SECONDS` has lost its other direction.
"""

from enum import Enum, auto

PING_SECONDS = 20.0
PONG_SECONDS = 20.0
UNANSWERED_SECONDS = 900.0
"""Time for a pong however many bytes arrive meanwhile; the largest message at 37 KiB/s."""

PROGRESS_WINDOW = 60.0
PROGRESS_BYTES = 240 * 1024
"""An incomplete message must grow by so much in each window after its first: 4 KiB/s, a third of
the slowest audio that is worth its name, and forty times less than what clients resend with."""


class Action(Enum):
    """What to do at the instant of a poll."""

    WAIT = auto()
    PING = auto()
    CLOSE = auto()
    ABORT = auto()


class Keepalive:
    """Pings after each interval, and waits for the answer.

    Args:
        interval: seconds between pings.
        timeout: seconds of silence after a ping that mean the peer is gone.
        now: seconds of a monotonic clock.

    Attributes:
        due: when to poll next.
    """

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self._interval = interval
        self._timeout = timeout
        self._payload: bytes | None = None
        self._sent_at = now
        self.due = now + interval

    def poll(self, now: float, heard_at: float, *, listening: bool) -> Action:
        """Say what is due.

        Args:
            now: the time.
            heard_at: when the peer last gave a sign of life.
            listening: False if the server itself keeps from reading; then silence means nothing.
        """
        if now < self.due:
            return Action.WAIT
        if self._payload is None:
            return Action.PING
        heard_at = max(heard_at, self._sent_at) if listening else now
        deadline = min(heard_at + self._timeout, self._sent_at + UNANSWERED_SECONDS)
        if now >= deadline:
            return Action.ABORT
        self.due = deadline
        return Action.WAIT

    def sent(self, payload: bytes, now: float) -> None:
        """Note a ping that was sent."""
        self._payload, self._sent_at = payload, now
        self.due = now + self._timeout

    def pong(self, payload: bytes) -> None:
        """Note a pong; unsolicited ones change nothing."""
        if payload == self._payload:
            self._payload = None
            self.due = self._sent_at + self._interval


class ProgressCheck:
    """Finds messages that arrive so slowly that they only hold memory.

    Args:
        window: seconds over which progress is measured.
        least: bytes that must arrive in one.
    """

    def __init__(self, window: float = PROGRESS_WINDOW, least: int = PROGRESS_BYTES) -> None:
        self._window = window
        self._least = least
        self._messages = -1
        self._since = 0.0
        self._received = 0

    def stalled(self, now: float, messages: int, received: int, *, incomplete: bool) -> bool:
        """Return whether too little has arrived of a message that is incomplete.

        Args:
            now: the time.
            messages: messages that have been read completely so far.
            received: bytes that have arrived so far.
            incomplete: whether one is incomplete, and the server reads; otherwise the window
                begins again.
        """
        if incomplete and messages == self._messages:
            if now - self._since < self._window:
                return False
            if received - self._received < self._least:
                return True
        self._messages = messages if incomplete else -1
        self._since, self._received = now, received
        return False
