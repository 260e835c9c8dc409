"""Our endpoint on a transport in memory: bytes in, an ``Outcome`` out, no socket and no wait."""

import asyncio
import contextlib
import copy
import importlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Protocol, cast

import uvicorn
from uvicorn.server import ServerState

from websocket_suite.oracle import QUIET
from websocket_suite.outcome import Outcome, read_output

MAX_SIZE: Final = 32 * 1024 * 1024
STILL: Final = 4
"""Turns of the loop without a change after which nothing more is expected."""

_QUIET_SECONDS: Final = "QUIET_SECONDS"
"""A constant of the endpoint: silence after which a refused client is closed for good."""

SOON: Final = 0.5
"""Seconds from a close to the end of its connection, at the most."""

PATIENCE: Final = 10.0
"""Seconds that a paused connection has to be resumed in."""

_WEBSOCKET: Final = (
    ("vivavoce.server.websocket.protocol", "WebSocketProtocol"),
    ("vivavoce.server.line", "LineProtocol"),
)
_HTTP: Final = (("vivavoce.server.http_line", "HttpProtocol"),)


def _first(candidates: Iterable[tuple[str, str]]) -> Callable[..., Any]:
    """The first class that exists."""
    for module, name in candidates:
        with contextlib.suppress(ModuleNotFoundError):
            return cast("Callable[..., Any]", getattr(importlib.import_module(module), name))
    raise LookupError(f"none of {candidates}")


WebSocketEndpoint: Final = _first(_WEBSOCKET)


@contextmanager
def without_waits() -> Iterator[None]:
    """Have clients that were refused within a message closed at once: no case waits for it."""
    module = importlib.import_module(WebSocketEndpoint.__module__)
    before = getattr(module, _QUIET_SECONDS, None)
    if before is not None:
        setattr(module, _QUIET_SECONDS, 0.0)
    try:
        yield
    finally:
        if before is not None:
            setattr(module, _QUIET_SECONDS, before)


def _http_endpoint() -> Callable[..., Any]:
    """What makes the HTTP endpoint of a connection, with room for as many as there are."""
    try:
        protocol = importlib.import_module("vivavoce.server.http.protocol")
    except ModuleNotFoundError:
        return _first(_HTTP)
    bounds = importlib.import_module("vivavoce.server.http.bounds").RequestBounds()
    counting = importlib.import_module("vivavoce.server.http.connections")
    room = counting.ConnectionBounds(10_000, 10_000, lambda _: True)
    connections = counting.Connections(room, lambda _: None)
    context = protocol.HttpContext(bounds, connections, lambda _: None)
    return cast("Callable[..., Any]", protocol.http_protocol(context))


HttpEndpoint: Final = _http_endpoint()


class Noting(Protocol):
    """An ASGI application that notes what is delivered."""

    messages: list[str | bytes]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""


@dataclass
class Application:
    """An ASGI application that notes what is delivered.

    Args:
        hold: turns of the event loop before it accepts.
        takes: whether it takes binary messages ahead of ASGI, asked for each; None to never ask
            for them, as an application does that knows only ASGI.
    """

    hold: int = 0
    takes: Callable[[], bool] | None = None
    messages: list[str | bytes] = field(default_factory=list)
    requests: int = 0
    echo: bool = False
    _reading: bool = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":
            await self._converse(scope, receive, send)
        else:
            self.requests += 1
            headers = [(b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    async def _converse(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        for _ in range(self.hold):
            await asyncio.sleep(0)
        await send({"type": "websocket.accept"})
        peers = (scope.get("extensions") or {}).values()
        peer: Any = next((peer for peer in peers if hasattr(peer, "listen")), None)
        if self.takes and peer:
            peer.listen(self._take)
        try:
            while True:
                self._reading = True
                event = await receive()
                self._reading = False
                if event["type"] == "websocket.disconnect":
                    return
                found = event.get("bytes")
                self.messages.append(event["text"] if found is None else bytes(found))
        finally:
            if self.takes and peer:
                peer.listen(None)

    def _take(self, data: bytes) -> bool:
        if self._reading and self.takes is not None and self.takes():
            self.messages.append(bytes(data))
            return True
        return False


class MemoryTransport(asyncio.Transport):
    """Keeps what is written; knows whether it was closed and whether reading is paused."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8300)})
        self.protocol = protocol
        self.written = bytearray()
        self.paused = False
        self.closed = False
        self.ended = False
        self._lost = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        if not self.closed:
            self.written += data

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Keep them."""
        for data in list_of_data:
            self.write(data)

    def can_write_eof(self) -> bool:
        """As a TCP transport can."""
        return True

    def write_eof(self) -> None:
        """The server sends nothing more."""
        self.ended = True

    def close(self) -> None:
        """The server hangs up; nothing waits to be written here."""
        if not self.closed:
            self.closed = self.ended = True
            asyncio.get_running_loop().call_soon(self.lose)

    abort = close

    def lose(self) -> None:
        """The connection is gone."""
        self.closed = True
        if not self._lost:
            self._lost = True
            self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Take no more bytes."""
        self.paused = True

    def resume_reading(self) -> None:
        """Take bytes again."""
        self.paused = False

    def is_reading(self) -> bool:
        """Whether bytes are taken."""
        return not self.paused and not self.closed

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol go on."""
        self.protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who receives."""
        return self.protocol

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """As asyncio has them."""
        return 16384, 65536

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Without a meaning here."""


def settings(app: Callable[..., Any], max_size: int = MAX_SIZE) -> uvicorn.Config:
    """The server's configuration of its protocols, as ``serving`` has it."""
    config = copy.copy(_loaded(max_size))
    config.app = config.loaded_app = app
    return config


@cache
def _loaded(max_size: int) -> uvicorn.Config:
    """A configuration without its application: loading one takes longer than most cases."""
    config = uvicorn.Config(
        Application(),
        http=cast("Any", HttpEndpoint),
        ws=cast("Any", WebSocketEndpoint),
        ws_max_size=max_size,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    config.load()
    return config


class Connection:
    """One connection to our endpoint."""

    def __init__(self, app: Noting, max_size: int = MAX_SIZE, *, http: bool = False) -> None:
        endpoint = HttpEndpoint if http else WebSocketEndpoint
        state = ServerState()
        self._app = app
        self.protocol: Any = endpoint(
            config=settings(app, max_size), server_state=state, app_state={}
        )
        if hasattr(self.protocol, "logger"):
            self.protocol.logger = QUIET
        self.transport = MemoryTransport(self.protocol)
        self.protocol.connection_made(self.transport)
        self._tasks = state.tasks

    async def feed(self, data: bytes) -> None:
        """Bring bytes in, once they are taken."""
        if self.transport.paused:
            await self._resumed()
        if not self.transport.closed:
            self.transport.protocol.data_received(data)

    async def _resumed(self) -> None:
        loop = asyncio.get_running_loop()
        until, turns = loop.time() + PATIENCE, 0
        while self.transport.paused and not self.transport.closed:
            turns += 1
            await asyncio.sleep(0 if turns < 50 else 0.005)
            assert loop.time() < until, "reading was paused and never resumed"

    async def settled(self) -> None:
        """Wait until nothing more happens."""
        still, before = 0, (-1, -1, True)
        while still < STILL + getattr(self._app, "hold", 0):
            await asyncio.sleep(0)
            if self.transport.paused and not self.transport.closed:
                await self._resumed()
            now = (len(self.transport.written), len(self._app.messages), self.transport.closed)
            still = still + 1 if now == before else 0
            before = now
        await self._closed()

    async def _closed(self) -> None:
        """Wait for the end of the connection where a close was sent: it may take a timer."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SOON
        while not self.transport.ended and self._close_sent() and loop.time() < until:  # noqa: ASYNC110  of a timer
            await asyncio.sleep(0.001)

    def _close_sent(self) -> bool:
        found = Outcome()
        with contextlib.suppress(AssertionError):  # not an answer yet
            read_output(found, bytes(self.transport.written))
        return found.close is not None

    def outcome(self) -> Outcome:
        """The result so far."""
        found = Outcome(messages=self._app.messages, ended=self.transport.ended)
        read_output(found, bytes(self.transport.written))
        return found

    async def end(self) -> None:
        """The peer is gone; no task and no timer stays behind."""
        self.transport.lose()
        for task in tuple(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(task, PATIENCE)


@asynccontextmanager
async def connection(
    app: Application, max_size: int = MAX_SIZE, *, http: bool = False
) -> AsyncIterator[Connection]:
    """A connection that ends with the block."""
    one = Connection(app, max_size, http=http)
    try:
        yield one
    finally:
        await one.end()


async def our_outcome(
    handshake: bytes, pieces: Iterable[bytes], app: Application, max_size: int = MAX_SIZE
) -> Outcome:
    """What our WebSocket endpoint makes of a handshake and the pieces after it."""
    async with connection(app, max_size) as one:
        await one.feed(handshake)
        if not app.hold:
            await one.settled()
        for piece in pieces:
            await one.feed(piece)
        await one.settled()
        return one.outcome()


async def outcome_through_http(
    pieces: Iterable[bytes], app: Application, max_size: int = MAX_SIZE
) -> Outcome:
    """What our server makes of a whole connection, from the HTTP endpoint on."""
    async with connection(app, max_size, http=True) as one:
        for piece in pieces:
            await one.feed(piece)
        await one.settled()
        return one.outcome()
