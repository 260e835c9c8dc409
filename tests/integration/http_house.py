"""Our HTTP protocol under uvicorn in this process, with clocks short enough to wait for."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.server.http.bounds import RequestBounds
from vivavoce.server.http.connections import ConnectionBounds, Connections
from vivavoce.server.http.protocol import HttpContext, http_protocol
from vivavoce.server.websocket.protocol import WebSocketProtocol

SHORT = RequestBounds(
    head_seconds=0.6,
    request_seconds=1.2,
    keep_alive_seconds=0.5,
    reader_seconds=1.0,
    linger_seconds=0.4,
)
LARGE = 20_000_000
PATIENCE = 10.0


@dataclass
class House:
    """A server that runs.

    Attributes:
        refused: requests and connections that were refused, by reason.
        left: whether a handler has seen its client leave.
    """

    bounds: RequestBounds = SHORT
    total: int = 100
    websocket: type[asyncio.Protocol] = WebSocketProtocol
    port: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        report = self._report
        self.raws: list[Raw] = []
        self.connections = Connections(ConnectionBounds(self.total, 10, lambda _: True), report)

    def _report(self, reason: str) -> None:
        self.refused[str(reason)] += 1

    def config(self) -> uvicorn.Config:
        """As the real server has it."""
        routes = [
            Route("/", self.hello, methods=["GET", "POST"]),
            Route("/echo", self.echo, methods=["POST"]),
            Route("/large", self.large),
            WebSocketRoute("/socket", self.socket),
        ]
        context = HttpContext(self.bounds, self.connections, self._report)
        return uvicorn.Config(
            Starlette(routes=routes),
            http=cast("type[asyncio.Protocol]", http_protocol(context)),
            ws=self.websocket,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )

    async def hello(self, _: Request) -> Response:
        """Reads no body."""
        return PlainTextResponse("hello")

    async def echo(self, request: Request) -> Response:
        """Reads all of it."""
        return PlainTextResponse(await request.body())

    async def large(self, _: Request) -> Response:
        """More than any buffer takes, in pieces."""
        pieces = (b"x" * 100_000 for _ in range(LARGE // 100_000))
        return StreamingResponse(pieces, headers={"content-length": str(LARGE)})

    async def socket(self, websocket: WebSocket) -> None:
        """Opens, and waits for the end."""
        await websocket.accept()
        await websocket.receive()

    async def connect(self, **options: Any) -> "Raw":
        """A connection that sends what it is told."""
        pair = await asyncio.open_connection("127.0.0.1", self.port, **options)
        self.raws.append(Raw(*pair))
        return self.raws[-1]

    async def emptied(self, within: float) -> bool:
        """Whether no connection is open any more after some seconds at most."""
        deadline = asyncio.get_running_loop().time() + within
        while len(self.connections) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  as it is
            await asyncio.sleep(0.02)
        return not len(self.connections)


@dataclass
class Raw:
    """Raw bytes on a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send, or notice that the connection is gone."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def answer(self) -> bytes:
        """The next response with a content length."""
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next(line for line in lines if line.startswith(b"content-length:"))
            return head + await self.reader.readexactly(int(length.partition(b":")[2]))

    async def rest(self) -> bytes:
        """Everything until the server closes; what came before a reset counts."""
        found = bytearray()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while piece := await self.reader.read(1 << 16):
                    found += piece
        return bytes(found)

    def drop(self) -> None:
        """Cut it without a word."""
        self.writer.transport.abort()


class Quiet(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def running(house: House) -> AsyncIterator[House]:
    """Serve on a free port of this machine."""
    server = Quiet(house.config())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        house.port = listener.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield house
        finally:
            for raw in house.raws:
                raw.drop()
            server.should_exit = True
            await serving
