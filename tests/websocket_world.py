"""A connection of the WebSocket endpoint without a socket: a transport that keeps everything."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

import uvicorn
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

import virtual_time
from vivavoce.server.websocket.endpoint import Endpoint
from vivavoce.server.websocket.peer import LONG_TEXT, PeerHandle
from vivavoce.server.websocket.protocol import WebSocketProtocol

Scope = dict[str, Any]
Result = TypeVar("Result")
Application = Callable[[Any, Any, Any], Awaitable[None]]

HEADERS = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
MASK = b"\x12\x34\x56\x78"
MOST = 1 << 25


def request(
    path: str = "/v2/live?token=a", more: Iterable[tuple[str, str]] = (), **changed: str | None
) -> bytes:
    """The head of an upgrade; a header that is changed to None is left out."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    lines += [f"{name}: {value}" for name, value in more]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    size: int | None = None,
) -> bytes:
    """Any frame, also a wrong one; ``size`` may claim more than the payload has."""
    size = len(payload) if size is None else size
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 1 << 16:
        head += bytes([mask_bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask_bit | 127]) + size.to_bytes(8, "big")
    if masked:
        repeated = (MASK * (len(payload) // 4 + 1))[: len(payload)]
        joined = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
        payload = MASK + joined.to_bytes(len(payload), "big")
    return head + payload


class FakeTransport(asyncio.Transport):
    """Keeps what is written, and notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 8300), "peername": ("10.0.0.1", 50000)})
        self.written = bytearray()
        self.reading = True
        self.half_closed = False
        self.closing = False
        self.aborted = False
        self._protocol: asyncio.Protocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.half_closed, "nothing may follow the end of the stream"
        if not self.closing:
            self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.lose)

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def lose(self) -> None:
        """The connection is gone."""
        self.closing = True
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(None)


class Told:
    """An application that keeps what it receives.

    Attributes:
        events: what it has received through ASGI.
        taken: binary messages that it took in the call that brought them.
        messages: texts and binary messages of both ways, in the order of their arrival.
    """

    def __init__(self, *, take: bool = False, reads: bool = True) -> None:
        self.events: list[Any] = []
        self.scope: Scope = {}
        self.taken: list[bytes] = []
        self.messages: list[str | bytes] = []
        self.reading = asyncio.Event()
        if reads:
            self.reading.set()
        self._take = take
        self.send: Any = None
        self.ended = asyncio.Event()

    @property
    def peer(self) -> PeerHandle:
        peer: PeerHandle = self.scope["extensions"]["vivavoce.peer"]
        return peer

    @property
    def disconnected(self) -> int | None:
        """The code of the first disconnect."""
        codes = [each["code"] for each in self.events if each["type"] == "websocket.disconnect"]
        return codes[0] if codes else None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.scope, self.send = scope, send
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        if self._take:
            self.peer.listen(self._taken)
        while self.disconnected is None:
            await self.reading.wait()
            event = await receive()
            self.events.append(event)
            if event["type"] == "websocket.receive":
                found = (event.get(kind) for kind in ("text", LONG_TEXT, "bytes"))
                self.messages.append(next(each for each in found if each is not None))
        self.ended.set()

    def _taken(self, audio: bytes) -> bool:
        self.taken.append(audio)
        self.messages.append(audio)
        return True


_opened: list[tuple["FakeTransport", Application]] = []
"""Connections of the story that runs, and their applications."""


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """Run a story in virtual time; afterwards all its clients leave, and applications end."""

    async def ended() -> Result:
        try:
            return await story
        finally:
            for transport, application in _opened:
                transport.lose()
                if isinstance(application, Told):
                    application.reading.set()
            _opened.clear()
            await settled()

    return virtual_time.run(ended())


class Client:
    """A client of one connection, and the connection itself."""

    def __init__(self, application: Application, endpoint: Endpoint | None = None) -> None:
        config = uvicorn.Config(
            application, lifespan="off", log_config=None, ws_max_size=MOST, server_header=False
        )
        self.state = ServerState()
        self.transport = FakeTransport()
        _opened.append((self.transport, application))
        self.protocol = WebSocketProtocol(
            config=config, server_state=self.state, app_state={}, endpoint=endpoint
        )
        self.transport.set_protocol(self.protocol)
        self.protocol.connection_made(self.transport)

    @property
    def answer(self) -> bytes:
        """The answer to the handshake."""
        return bytes(self.transport.written)

    @property
    def status(self) -> int:
        """The HTTP status of the answer to the handshake."""
        return int(self.transport.written[9:12])

    def send(self, *data: bytes) -> None:
        """Bytes arrive, unless the server does not read."""
        for piece in data:
            self.protocol.data_received(piece)

    async def open(self) -> None:
        """Shake hands."""
        self.send(request())
        await until(lambda: bool(self.transport.written))
        assert self.status == 101, self.answer
        await settled()

    def frames(self) -> list[Frame]:
        """What the server has sent behind the handshake."""
        behind = self.answer.split(b"\r\n\r\n", 1)[1] if self.answer else b""
        client = ClientProtocol(URI, state=State.OPEN, max_size=None)
        client.receive_data(behind)
        assert client.parser_exc is None, client.parser_exc
        return [event for event in client.events_received() if isinstance(event, Frame)]

    def of(self, opcode: Opcode) -> list[bytes]:
        """Payloads of one kind that the server has sent."""
        return [bytes(each.data) for each in self.frames() if each.opcode is opcode]

    @property
    def close_code(self) -> int | None:
        """With what the server has closed."""
        closes = self.of(Opcode.CLOSE)
        return int.from_bytes(closes[0][:2], "big") if closes else None

    @property
    def close_reason(self) -> str | None:
        """The reason that it gave."""
        closes = self.of(Opcode.CLOSE)
        return closes[0][2:].decode() if closes else None


class _Uri:
    """What the client's protocol asks of an address."""

    host, port, secure, path, query, user_info = "localhost", 80, False, "/", "", None
    resource_name = "/"


URI: Any = _Uri()


async def settled(turns: int = 20) -> None:
    """Let everything that can run, run."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    """Wait a bounded number of turns for something to become true."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not happen")
