"""Confirms what a client has read, by pings sent after messages and acknowledgements."""

import asyncio

from vivavoce.server.coarse_timers import CoarseTimer, CoarseTimers
from vivavoce.server.websocket.peer import PeerHandle
from vivavoce.session.ack_confirmation import SETTLE_SECONDS
from vivavoce.session.live import Live

TICK_SECONDS = SETTLE_SECONDS / 2
"""Interval of the check whether acknowledgements are still being sent."""

STREAMING_SECONDS = 2 * SETTLE_SECONDS
"""Interval of pings while acknowledgements are sent; a ping costs as much as two chunks."""


class ReadReceipts:
    """Pings one peer to confirm what it has read, one ping at a time.

    A message is followed by a ping at once. Acknowledgements are followed by a ping every two
    seconds, in the write that carries the newest one, and one second after the last ping once no
    more of them are sent.

    Args:
        peer: the connection's peer.
        live: its session, which records what is confirmed.
        timers: the coarse timers that wake it.
    """

    def __init__(self, peer: PeerHandle, live: Live, timers: CoarseTimers) -> None:
        self._peer = peer
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._timers = timers
        self._timer: CoarseTimer | None = None
        self._asked = False
        self._asked_at = float("-inf")
        self._seen = 0  # acknowledgements sent by the last tick
        self._with_next = False  # ping with the next acknowledgement
        self._closed = False

    def message_sent(self) -> None:
        """Ping after a written message, unless its delivery is already confirmed."""
        telling = self._live.telling
        if telling.handed != telling.delivered:
            self._ask()

    def ack_sent(self, end: int) -> None:
        """Schedule a ping for a written acknowledgement up to byte ``end``; 0 is ignored."""
        if end:
            self._live.acks.sent(end)
            if self._with_next:
                self._ask()
            if self._timer is None and not self._closed:
                self._timer = self._timers.call_later(TICK_SECONDS, self._tick)

    def close(self) -> None:
        """Stop sending pings: the connection has ended."""
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
