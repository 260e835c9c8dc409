"""The WebSocket protocol of the server, with the last word on peers that are gone."""

import asyncio
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

FAREWELL = "vivavoce.farewell"
"""ASGI extension: a future that says whether the peer answered our close before it was gone."""


class LineProtocol(WebSocketsSansIOProtocol):
    """Drops a peer that answers no ping, with everything that it has not read.

    Closing alone would wait for it to read that first: a peer that is gone, or never reads, would
    keep its connection and its session for ever.

    A peer that answers our close has read everything that was sent before it.
    """

    _farewell: asyncio.Future[bool] | None = None

    def handle_connect(self, event: Request) -> None:
        """A handshake has come; the application begins in the loop's next round."""
        super().handle_connect(event)
        if not self.close_sent:
            self._farewell = self.loop.create_future()
            extensions = cast("dict[str, object]", self.scope["extensions"])  # this one is ours
            extensions[FAREWELL] = self._farewell

    def handle_close(self, event: Frame) -> None:
        """The peer closes, or answers our close."""
        if self.close_sent:
            self._note_farewell(answered=True)
        super().handle_close(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._note_farewell(answered=False)

    def _note_farewell(self, *, answered: bool) -> None:
        if self._farewell is not None and not self._farewell.done():
            self._farewell.set_result(answered)

    def keepalive_timeout(self) -> None:
        """No pong has come in time."""
        super().keepalive_timeout()
        self.transport.abort()
