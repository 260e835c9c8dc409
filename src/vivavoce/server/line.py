"""The WebSocket protocol of the server, with the last word on peers that are gone."""

import asyncio
from asyncio import BaseTransport
from collections.abc import Mapping
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

EXTENSION = "vivavoce.confirmed"

CLOSE_SECONDS = 10.0
"""So long a peer has to read what is left and to answer a close; then its line is cut."""


class LineProtocol(WebSocketsSansIOProtocol):
    """Drops a peer that answers no ping and no close, with everything that it has not read.

    Closing alone would wait for it to read that first: a peer that is gone, or never reads, would
    keep its connection and its session for ever.
    """

    _confirmed: asyncio.Future[bool]

    def connection_made(self, transport: BaseTransport) -> None:
        """A peer has connected."""
        super().connection_made(transport)
        self.close_timeout = CLOSE_SECONDS
        self._confirmed = self.loop.create_future()

    def handle_connect(self, event: Request) -> None:
        """Let the application see whether its close was answered."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope["extensions"] or {}
            extensions[EXTENSION] = self._confirmed

    async def send(self, message: ASGISendEvent) -> None:
        """Send for the application."""
        if message["type"] == "websocket.close":
            self._cut_later()  # first: there may be no room to write even the close
        await super().send(message)

    def handle_close(self, event: Frame) -> None:
        """The peer closes, or has answered our close: then it has read all that came before."""
        if self.close_sent and not self._confirmed.done():
            self._confirmed.set_result(True)
        super().handle_close(event)
        self._cut_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone; what was not confirmed never will be."""
        if not self._confirmed.done():
            self._confirmed.set_result(False)
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


async def confirmed(scope: Mapping[str, Any]) -> bool:
    """Whether the peer answers our close; False once its line is gone."""
    answer: asyncio.Future[bool] | None = scope.get("extensions", {}).get(EXTENSION)
    return answer is not None and await asyncio.shield(answer)
