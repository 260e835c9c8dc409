"""Proof of what a client has read: pings that are sent after messages and acknowledgements."""

import asyncio

from vivavoce.server.websocket.peer import PeerHandle
from vivavoce.session.ack_confirmation import SETTLE_SECONDS
from vivavoce.session.live import Live


class ReadReceipts:
    """Asks one peer for proof, one ping at a time.

    Messages are asked about at once, acknowledgements once a second at most.

    Args:
        peer: the connection's peer.
        live: its session, which keeps what is proved.
    """

    def __init__(self, peer: PeerHandle, live: Live) -> None:
        self._peer = peer
        self._live = live
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._asked = False
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
            if self._timer is None and not self._closed:
                self._timer = self._loop.call_later(SETTLE_SECONDS, self._ask_about_acks)

    def close(self) -> None:
        """Ask no more: the connection has ended."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ask_about_acks(self) -> None:
        self._timer = None
        if not self._live.acks.complete:
            self._ask()
            self._timer = self._loop.call_later(SETTLE_SECONDS, self._ask_about_acks)

    def _ask(self) -> None:
        if self._asked or self._closed:
            return
        self._asked = True
        message, end = self._live.telling.handed, self._live.acks.written

        def read() -> None:
            self._asked = False
            self._live.telling.arrived(message)
            self._live.acks.answered(end, self._loop.time())
            self.message_sent()

        self._peer.ask(read)
