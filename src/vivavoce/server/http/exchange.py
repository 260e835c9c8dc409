"""One request and its response, between a connection and the ASGI application."""

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message

from vivavoce.server.http.request_head import RequestHead
from vivavoce.server.http.response_encoder import ResponseEncoder, ResponseError

log = structlog.get_logger(__name__)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAILED = b"Internal Server Error"


class ClientLeftError(OSError):
    """The client left before the response was complete; ASGI requires an ``OSError``."""


class Connection(Protocol):
    """The interface of the connection that an exchange uses."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    async def drain(self) -> None:
        """Wait until the write buffer has room."""

    def body_taken(self) -> None:
        """Continue reading: the application has received the body so far."""

    def may_keep_alive(self) -> bool:
        """Return whether another request may follow a response that begins now."""

    def default_headers(self) -> Iterable[tuple[bytes, bytes]]:
        """Return the headers of every response."""

    def response_complete(self) -> None:
        """End the response: its last byte was sent; may follow ``disconnect``, or not be called."""

    def abort(self) -> None:
        """Abort the connection."""


class Exchange:
    """Passes the request to the application, and the response to the connection.

    Attributes:
        response: the encoder and state of the response.
    """

    def __init__(self, connection: Connection, head: RequestHead) -> None:
        self._connection = connection
        self._head = head
        self.response = ResponseEncoder(head)
        self._body = bytearray()
        self._whole = False
        self._left = False
        self._awaits_continue = head.expects_continue
        self._news = asyncio.Event()

    @property
    def buffered(self) -> int:
        """Bytes of the body that the application has not received."""
        return len(self._body)

    def add_body(self, data: bytes) -> None:
        """Buffer a piece of the body; after the response it is dropped."""
        if not self.response.complete:
            self._body += data
            self._news.set()

    def end_body(self) -> None:
        """End the body: the request is complete."""
        self._whole = True
        self._news.set()

    def disconnect(self) -> None:
        """End the exchange: the client has left, or its request was refused."""
        self._left = True
        self._body.clear()
        self._news.set()

    async def run(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        """Run the application for the request."""
        try:
            await self._answer(app, scope)
        except (ClientLeftError, ClientDisconnect):
            log.debug("client_disconnected", method=self._head.method)
        except asyncio.CancelledError:
            self._connection.abort()
            raise
        except Exception:
            log.exception("request_failed", method=self._head.method)
            await self._fail()

    async def _answer(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        await app(scope, self.receive, self.send)
        if not self.response.complete and not self._left:
            raise ResponseError("the application returned without a whole response")

    async def _fail(self) -> None:
        if self.response.complete or self._left:
            return
        if self.response.started:
            self._connection.abort()  # the client must not accept a partial response
            return
        kind, length = (b"content-type", b"text/plain"), (b"content-length", b"%d" % len(_FAILED))
        headers = [kind, length, (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": _FAILED})

    async def receive(self) -> Message:
        """Return the next piece of the body, or the disconnection of the client."""
        if self._awaits_continue and not (self._whole or self.response.started):
            self._awaits_continue = False
            self._connection.write(CONTINUE)
        if not (self._left or self.response.complete):
            await self._news.wait()
        self._news.clear()
        if self._left or self.response.complete:
            return {"type": "http.disconnect"}
        body = bytes(self._body)
        self._body.clear()
        self._connection.body_taken()
        return {"type": "http.request", "body": body, "more_body": not self._whole}

    async def send(self, message: Message) -> None:
        """Send a part of the response.

        Raises:
            ClientLeftError: the client has left.
            ResponseError: the parts are not a valid response.
        """
        await self._connection.drain()
        if self._left:
            raise ClientLeftError
        if message["type"] == "http.response.start":
            if not self._connection.may_keep_alive():
                self.response.keeps_alive = False
            headers = [*self._connection.default_headers(), *message.get("headers", ())]
            self._connection.write(self.response.start(message["status"], headers))
        elif message["type"] == "http.response.body":
            more = message.get("more_body", False)
            self._connection.write(self.response.body(message.get("body", b""), more=more))
            if self.response.complete:
                self._body.clear()
                self._news.set()
                self._connection.response_complete()
        else:
            raise ResponseError(f"{message['type']} is no part of an HTTP response")
