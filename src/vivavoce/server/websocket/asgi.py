"""Runs the ASGI application for one connection, and queues and sends its messages."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from enum import Enum, auto
from typing import Any, Protocol

import structlog

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_log = structlog.get_logger(__name__)


class ClientDisconnectedError(OSError):
    """The application sends to a disconnected peer; ASGI requires an ``OSError``."""

    def __init__(self) -> None:
        super().__init__("the peer is gone")


class Connection(Protocol):
    """The interface of the connection that the bridge uses."""

    def accept(self, headers: Iterable[tuple[bytes, bytes]], subprotocol: str | None) -> None:
        """Answer the handshake with 101."""

    def deny(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer the handshake with a status other than 101, and close."""

    def send_text(self, text: bytes) -> None:
        """Send a text message.

        Raises:
            ClientDisconnectedError: the connection is no longer open.
        """

    def send_binary(self, data: bytes) -> None:
        """Send a binary message.

        Raises:
            ClientDisconnectedError: the connection is no longer open.
        """

    def close(self, code: int, reason: str) -> None:
        """Send a close frame."""

    def resume(self) -> None:
        """Continue reading: the application has received the queued message."""

    def application_ended(self, *, failed: bool) -> None:
        """The application has returned, or raised."""


class _Stage(Enum):
    """The stage of the application's messages."""

    CONNECTING = auto()
    DENYING = auto()
    ACCEPTED = auto()
    ENDED = auto()


class AsgiBridge:
    """The application's side of a connection.

    Attributes:
        events: messages that the application has not received.
        writable: set while the connection's write buffer has room.
    """

    def __init__(self, connection: Connection) -> None:
        self.events: deque[Message] = deque()
        self.writable = asyncio.Event()
        self.writable.set()
        self._connection: Connection | None = connection
        self._arrived = asyncio.Event()
        self._stage = _Stage.CONNECTING
        self._denial: tuple[int, Iterable[tuple[bytes, bytes]], bytes] = 500, (), b""
        self._task: asyncio.Task[None] | None = None

    def start(self, application: Application, scope: Message) -> asyncio.Task[None]:
        """Run the application in a task."""
        self.put({"type": "websocket.connect"})
        self._task = asyncio.get_running_loop().create_task(
            self._run(application, scope), name="websocket application"
        )
        return self._task

    def put(self, event: Message) -> None:
        """Queue a message for the application."""
        self.events.append(event)
        self._arrived.set()

    def disconnect(self, code: int, reason: str = "") -> None:
        """Queue the disconnection of the peer, after the queued messages."""
        self.put({"type": "websocket.disconnect", "code": code, "reason": reason})

    def cancel(self) -> None:
        """Cancel an application that has not answered the handshake."""
        if self._task is not None:
            self._task.cancel()

    def detach(self) -> None:
        """Release the connection, which is closed."""
        self._connection = None
        self.writable.set()  # an asyncio transport never resumes once it is lost

    async def _run(self, application: Application, scope: Message) -> None:
        failed = True
        try:
            await application(scope, self._receive, self._send)
            failed = False
        except ClientDisconnectedError:
            failed = False
        except Exception:  # noqa: BLE001  the boundary of the application
            _log.exception("websocket_application_failed")
        finally:
            self._task = None
            if self._connection is not None:
                self._connection.application_ended(failed=failed)

    async def _receive(self) -> Message:
        while not self.events:
            self._arrived.clear()
            await self._arrived.wait()
        event = self.events.popleft()
        if self._connection is not None:
            self._connection.resume()
        return event

    async def _send(self, message: Message) -> None:
        if not self.writable.is_set() and message["type"] != "websocket.close":
            await self.writable.wait()
        if self._connection is None:
            raise ClientDisconnectedError
        if self._stage is _Stage.ACCEPTED:
            self._converse(self._connection, message)
        elif self._stage is _Stage.CONNECTING:
            self._answer(self._connection, message)
        elif self._stage is _Stage.DENYING:
            self._deny(self._connection, message)
        else:
            raise RuntimeError(f"unexpected ASGI message {message['type']!r} after the end")

    def _converse(self, connection: Connection, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.send":
            text = message.get("text")
            if text is not None:
                connection.send_text(text.encode())
            else:
                connection.send_binary(message["bytes"])
        elif kind == "websocket.close":
            self._stage = _Stage.ENDED
            connection.close(message.get("code", 1000), message.get("reason") or "")
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r} in an open connection")

    def _answer(self, connection: Connection, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self._stage = _Stage.ACCEPTED
            connection.accept(message.get("headers") or (), message.get("subprotocol"))
        elif kind == "websocket.close":
            self._stage = _Stage.ENDED
            connection.deny(403, (), b"")
        elif kind == "websocket.http.response.start":
            self._stage = _Stage.DENYING
            self._denial = message["status"], list(message.get("headers") or ()), b""
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r} before the handshake is answered")

    def _deny(self, connection: Connection, message: Message) -> None:
        if message["type"] != "websocket.http.response.body":
            raise RuntimeError(f"unexpected ASGI message {message['type']!r} in a denial")
        status, headers, body = self._denial
        body += message.get("body", b"")
        self._denial = status, headers, body
        if not message.get("more_body", False):
            self._stage = _Stage.ENDED
            connection.deny(status, headers, body)
