"""Proof of what a client has read: pings that are sent after messages and acknowledgements."""

import asyncio

from vivavoce.server.coarse_timers import CoarseTimer, CoarseTimers
from vivavoce.server.websocket.peer import PeerHandle
from vivavoce.session.ack_confirmation import SETTLE_SECONDS
from vivavoce.session.live import Live

TICK_SECONDS = SETTLE_SECONDS / 2
"""Interval of the check whether acknowledgements are still being sent."""

STREAMING_SECONDS = 2 * SETTLE_SECONDS
"""Time between two pings while they are; a ping costs as much as two chunks."""


class ReadReceipts:
    """Asks one peer for proof, one ping at a time.

    Messages are asked about at once. Acknowledgements are asked about every two seconds, in the
    write that carries the newest one, and once a second when no more of them leave.

    Args:
        peer: the connection's peer.
        live: its session, which keeps what is proved.
        timers: wake it.
    """

    def __init__(self, peer: PeerHandle, live: Live, timers: CoarseTimers) -> None:
        self._peer = peer
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._timers = timers
        self._timer: CoarseTimer | None = None
        self._asked = False
        self._asked_at = float("-inf")
        self._seen = 0  # acknowledgements that had left at the last tick
        self._with_next = False  # the next acknowledgement brings a ping
        self._closed = False

    def message_sent(self) -> None:
        """A message was written; ask about it unless the session has proof."""
        telling = self._live.telling
        if telling.handed != telling.delivered:
            self._ask()

    def ack_sent(self, end: int) -> None:
        """An acknowledgement up to ``end`` was written; ask about it before long."""
        if end:
            self._live.acks.sent(end)
            if self._with_next:
                self._ask()
            if self._timer is None and not self._closed:
                self._timer = self._timers.call_later(TICK_SECONDS, self._tick)

    def close(self) -> None:
        """Ask no more: the connection has ended."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        acks = self._live.acks
        if acks.complete:
            return
        streaming, self._seen = acks.written != self._seen, acks.written
        since = self._loop.time() - self._asked_at
        self._with_next = streaming and since >= STREAMING_SECONDS
        if not streaming and since >= SETTLE_SECONDS:
            self._ask()
        self._timer = self._timers.call_later(TICK_SECONDS, self._tick)

    def _ask(self) -> None:
        if self._asked or self._closed:
            return
        self._asked, self._with_next = True, False
        self._asked_at = self._loop.time()
        message, end = self._live.telling.handed, self._live.acks.written

        def read() -> None:
            self._asked = False
            self._live.telling.arrived(message)
            self._live.acks.answered(end, self._loop.time())
            self.message_sent()

        self._peer.ask(read)
