"""The WebSocket protocol of the server, with the last word on peers that are gone."""

import asyncio
import os
from asyncio import BaseTransport
from collections.abc import Callable, Mapping
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

from vivavoce.server.framing import Frames, binary_message, text_frame
from vivavoce.server.http.connections import ConnectionSlot

EXTENSION = "vivavoce.peer"

Take = Callable[[bytes], bool]
"""Takes a binary message in the call that brings it; False where it has to wait its turn."""

CLOSE_SECONDS = 10.0
"""So long a peer has to read what is left and to answer a close; then its line is cut."""


class Peer:
    """What an application may know and ask of its peer beyond ASGI.

    Attributes:
        confirmed: becomes whether the peer has answered our close.
        tell: sends a text at once; False where it has to wait, or the line is gone.
        take: is given binary messages before ASGI is.
    """

    def __init__(
        self,
        confirmed: asyncio.Future[bool],
        ping: Callable[[bytes], None],
        tell: Callable[[bytes], bool],
    ) -> None:
        self.confirmed = confirmed
        self.tell = tell
        self.take: Take | None = None
        self._ping = ping
        self._payload = b""
        self._then: Callable[[], None] | None = None

    def listen(self, take: Take | None) -> None:
        """Have binary messages taken without a way through ASGI while nothing waits there."""
        self.take = take

    def ask(self, then: Callable[[], None]) -> None:
        """Call ``then`` once the peer has read what was sent so far; one question at a time."""
        if self.asked:
            raise RuntimeError("the last question is not answered yet")
        self._payload, self._then = os.urandom(8), then
        self._ping(self._payload)

    @property
    def asked(self) -> bool:
        """Whether a question is open."""
        return self._then is not None

    def answered(self, payload: bytes) -> bool:
        """Whether a pong was the answer to the question."""
        if self._then is None or payload != self._payload:
            return False
        then, self._then = self._then, None
        then()
        return True


class LineProtocol(WebSocketsSansIOProtocol):
    """Drops a peer that answers no ping and no close, with everything that it has not read.

    Closing alone would wait for it to read that first: a peer that is gone, or never reads, would
    keep its connection and its session for ever.
    """

    connection_slot: ConnectionSlot | None = None
    _peer: Peer
    _frames: Frames

    def connection_made(self, transport: BaseTransport) -> None:
        """A peer has connected."""
        super().connection_made(transport)
        self.close_timeout = CLOSE_SECONDS
        self._peer = Peer(self.loop.create_future(), self._ping, self._tell)
        self._frames = Frames(self.config.ws_max_size)

    def handle_connect(self, event: Request) -> None:
        """Let the application see whether its close was answered."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope["extensions"] or {}
            extensions[EXTENSION] = self._peer

    def data_received(self, data: bytes) -> None:
        """Audio goes to whoever takes it, at once; all else goes the long way, frame by frame."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
        if self._frames.whole and self._taken(data):  # as a rule
            return
        for frame in self._frames.feed(data):
            if not self._taken(frame) and self.conn.parser_exc is None:
                super().data_received(frame)

    def _taken(self, frame: bytes) -> bool:
        take = self._peer.take
        if take is None or not self.queue.empty() or self.conn.state is not State.OPEN:
            return False
        if self._frames.hopeless:
            return False
        if self.conn.current_size is not None:  # a message in fragments has begun
            return False
        audio = binary_message(frame)
        return audio is not None and take(audio)

    def _tell(self, text: bytes) -> bool:
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(text_frame(text))
        return True

    def _ping(self, payload: bytes) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_ping(payload)
            self.transport.write(b"".join(self.conn.data_to_send()))

    def handle_pong(self, event: Frame) -> None:
        """An answer: to the application's question, or to a keepalive."""
        if not self._peer.answered(bytes(event.data)):
            super().handle_pong(event)

    async def send(self, message: ASGISendEvent) -> None:
        """Send for the application."""
        if message["type"] == "websocket.close":
            self._cut_later()  # first: there may be no room to write even the close
        await super().send(message)

    def handle_close(self, event: Frame) -> None:
        """The peer closes, or has answered our close: then it has read all that came before."""
        if self.close_sent and not self._peer.confirmed.done():
            self._peer.confirmed.set_result(True)
        super().handle_close(event)
        self._cut_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone; what was not confirmed never will be."""
        if not self._peer.confirmed.done():
            self._peer.confirmed.set_result(False)
        if self.connection_slot is not None:
            self.connection_slot.release()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends."""
        super().shutdown()
        self._cut_later()

    def keepalive_timeout(self) -> None:
        """No pong has come in time."""
        super().keepalive_timeout()
        self.transport.abort()

    def _cut_later(self) -> None:
        self.loop.call_later(self.close_timeout, self.transport.abort)


def peer_of(scope: Mapping[str, Any]) -> Peer:
    """The peer of a connection that ``LineProtocol`` serves."""
    peer: Peer = scope["extensions"][EXTENSION]
    return peer
