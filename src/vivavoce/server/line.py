"""The WebSocket protocol of the server, which also knows what has reached its peer."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Protocol, cast

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

_EXTENSION = "vivavoce.line"


class Line(Protocol):
    """What an application can know of its line, beyond what ASGI tells."""

    @property
    def answered(self) -> asyncio.Future[bool]:
        """Whether the peer answered our close before it was gone: then it has read everything."""
        ...

    def confirm(self, confirmed: Callable[[], None]) -> None:
        """Have a function called once the peer has read all that was sent so far.

        It is never called where the line ends before.
        """
        ...


def line_of(websocket: WebSocket) -> Line:
    """The line of an accepted WebSocket."""
    return cast("Line", websocket.scope["extensions"][_EXTENSION])


class LineProtocol(WebSocketsSansIOProtocol):
    """A ``Line``.

    It drops a peer that answers no ping, with everything that it has not read. Closing alone would
    wait for it to read that first: a peer that is gone, or never reads, would keep its connection
    and its session for ever.
    """

    answered: asyncio.Future[bool]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer is there."""
        self.answered = self.loop.create_future()
        self._numbers = itertools.count()
        self._awaited: dict[bytes, Callable[[], None]] = {}
        super().connection_made(transport)

    def handle_connect(self, event: Request) -> None:
        """A handshake has come; the application begins in the loop's next round."""
        super().handle_connect(event)
        if not self.close_sent:
            cast("dict[str, object]", self.scope["extensions"])[_EXTENSION] = self

    def confirm(self, confirmed: Callable[[], None]) -> None:
        """See ``Line``: a ping, which the peer answers in its turn."""
        if self.close_sent or self.transport.is_closing():
            return
        payload = b"read %d" % next(self._numbers)
        self._awaited[payload] = confirmed
        self.conn.send_ping(payload)
        self.transport.write(b"".join(self.conn.data_to_send()))

    def handle_pong(self, event: Frame) -> None:
        """The peer has read all that was sent before a ping."""
        if confirmed := self._awaited.pop(bytes(event.data), None):
            confirmed()
        else:
            super().handle_pong(event)

    def handle_close(self, event: Frame) -> None:
        """The peer closes, or answers our close."""
        if self.close_sent:
            self._note_answer(answered=True)
        super().handle_close(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._note_answer(answered=False)

    def keepalive_timeout(self) -> None:
        """No pong has come in time."""
        super().keepalive_timeout()
        self.transport.abort()

    def _note_answer(self, *, answered: bool) -> None:
        if not self.answered.done():
            self.answered.set_result(answered)
