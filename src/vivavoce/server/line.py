"""The WebSocket protocol of the server, with the last word on peers that are gone."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class LineProtocol(WebSocketsSansIOProtocol):
    """Drops a peer that answers no ping, with everything that it has not read.

    Closing alone would wait for it to read that first: a peer that is gone, or never reads, would
    keep its connection and its session for ever.
    """

    def keepalive_timeout(self) -> None:
        """No pong has come in time."""
        super().keepalive_timeout()
        self.transport.abort()
