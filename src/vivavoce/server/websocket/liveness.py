"""Decides whether a connection is alive, by keepalive and progress together. Pure."""

from vivavoce.server.websocket.keepalive import Action, Keepalive, ProgressCheck
from vivavoce.server.websocket.message_reader import MessageReader


class Liveness:
    """The liveness check of one open connection.

    Args:
        keepalive: schedules pings and checks their answers.
        reader: provides the progress of the incomplete message.
    """

    def __init__(self, keepalive: Keepalive, reader: MessageReader) -> None:
        self._keepalive = keepalive
        self._reader = reader
        self._progress = ProgressCheck()

    @property
    def due(self) -> float:
        """When to poll next."""
        return self._keepalive.due

    def poll(self, now: float, heard_at: float, *, reading: bool, writable: bool) -> Action:
        """Return the action that is due.

        Args:
            now: the time.
            heard_at: time of the peer's last sign of life.
            reading: whether the server reads from the peer.
            writable: whether the peer reads what is sent to it.
        """
        reader = self._reader
        incomplete = reading and not reader.idle
        if self._progress.stalled(now, reader.messages, reader.received, incomplete=incomplete):
            return Action.CLOSE
        # A peer that does not read our pings cannot answer them, whether or not we read.
        return self._keepalive.poll(now, heard_at, listening=reading or not writable)

    def ping(self, payload: bytes, now: float) -> bytes:
        """Record a ping that is sent now; return its payload."""
        self._keepalive.sent(payload, now)
        return payload

    def pong(self, payload: bytes) -> None:
        """Record a pong."""
        self._keepalive.pong(payload)
