"""Decides when to ping a peer, and when to close the connection. Pure.

A pong is a sign of life, and so are received bytes: while a long message arrives over a slow link,
no pong can overtake it. Bytes alone count only for a limited time: a peer that sends but answers
no ping for `UNANSWERED_SECONDS` no longer receives.
"""

from enum import Enum, auto

PING_SECONDS = 20.0
PONG_SECONDS = 20.0
UNANSWERED_SECONDS = 900.0
"""Maximum time for a pong while bytes arrive: the largest message at 37 KiB/s."""

PROGRESS_WINDOW = 60.0
PROGRESS_BYTES = 240 * 1024
"""Minimum growth of an incomplete message in each window after its first: 4 KiB/s.

This is a third of the rate of the slowest usable audio, and a fortieth of the rate at which
clients resend.
"""


class Action(Enum):
    """The action that is due at a poll."""

    WAIT = auto()
    PING = auto()
    CLOSE = auto()
    ABORT = auto()


class Keepalive:
    """Pings after each interval, and waits for the answer.

    Args:
        interval: seconds between pings.
        timeout: seconds of silence after a ping until the peer is considered gone.
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
        """Return the action that is due.

        Args:
            now: the time.
            heard_at: time of the peer's last sign of life.
            listening: False if the server itself pauses reading; silence is then not counted.
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
        """Record a ping that was sent."""
        self._payload, self._sent_at = payload, now
        self.due = now + self._timeout

    def pong(self, payload: bytes) -> None:
        """Record a pong; unsolicited ones are ignored."""
        if payload == self._payload:
            self._payload = None
            self.due = self._sent_at + self._interval


class ProgressCheck:
    """Detects messages that arrive so slowly that they mainly occupy memory.

    Args:
        window: seconds over which progress is measured.
        least: bytes that must arrive in a window.
    """

    def __init__(self, window: float = PROGRESS_WINDOW, least: int = PROGRESS_BYTES) -> None:
        self._window = window
        self._least = least
        self._messages = -1
        self._since = 0.0
        self._received = 0

    def stalled(self, now: float, messages: int, received: int, *, incomplete: bool) -> bool:
        """Return whether too little of an incomplete message has arrived.

        Args:
            now: the time.
            messages: number of messages read completely so far.
            received: bytes received so far.
            incomplete: whether a message is incomplete and the server reads; otherwise the
                window restarts.
        """
        if incomplete and messages == self._messages:
            if now - self._since < self._window:
                return False
            if received - self._received < self._least:
                return True
        self._messages = messages if incomplete else -1
        self._since, self._received = now, received
        return False
