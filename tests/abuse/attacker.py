"""The tools of an attacker: raw connections, floods with a rate, handshakes by hand."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from abuse.measure import Attack
from websocket_suite.raw_frames import HEADERS, frame

BLOCK = 64 * 1024
FLOODED = 64 * 1024 * 1024
"""Bytes after which a flood has shown what it can do."""


@dataclass
class Stranger:
    """One connection of the attacker.

    Attributes:
        answer: the first bytes that the server sent.
        closed: set once the server has ended the connection.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    port: int
    answer: bytearray = field(default_factory=bytearray)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Read what the server sends; without this nothing is read at all."""
        self._reading = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(BLOCK):
                if len(self.answer) < BLOCK:
                    self.answer += data
        self.closed.set()

    async def send(self, data: bytes) -> bool:
        """Send; whether the connection was still there."""
        if self.closed.is_set():
            return False
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            self.closed.set()
        return not self.closed.is_set()

    async def answered(self, end: bytes = b"\r\n\r\n", seconds: float = 10) -> bytes:
        """What the server has sent, up to something."""
        async with asyncio.timeout(seconds):
            while end not in self.answer and not self.closed.is_set():  # noqa: ASYNC110  read apart
                await asyncio.sleep(0.01)
        return bytes(self.answer)

    def drop(self) -> None:
        """Hang up without a word."""
        if self._reading is not None:
            self._reading.cancel()
        self.writer.transport.abort()


async def come(
    address: tuple[str, int], *, reads: bool = True, window: int | None = None
) -> Stranger:
    """Connect.

    Args:
        address: of the server.
        reads: whether what it sends is read.
        window: bytes of the receiving socket's buffer, for peers that take nothing.
    """
    line = socket.socket()
    if window is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, address)
    reader, writer = await asyncio.open_connection(sock=line, limit=BLOCK)
    stranger = Stranger(reader, writer, line.getsockname()[1])
    if reads:
        stranger.listen()
    return stranger


async def flood(
    attack: Attack,
    stranger: Stranger,
    more: Callable[[], bytes],
    seconds: float,
    *,
    rate: float = float("inf"),
    most: int = FLOODED,
) -> int:
    """Send block after block until the time is over, the server hangs up or it is enough.

    Returns:
        the bytes sent.
    """
    loop = asyncio.get_running_loop()
    begun, sent = loop.time(), 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while sent < most and not attack.stop.is_set():
                data = more()
                if not await stranger.send(data):
                    break
                sent += len(data)
                await asyncio.sleep(max(begun + sent / rate - loop.time(), 0))
    return sent


def repeated(data: bytes, size: int = BLOCK) -> Callable[[], bytes]:
    """Blocks of the same bytes again and again."""
    block = data * max(size // len(data), 1)
    return lambda: block


def numbered(line: str, size: int = BLOCK) -> Callable[[], bytes]:
    """Blocks of lines with a number in each."""

    def lines() -> Iterator[bytes]:
        number = 0
        while True:
            block = bytearray()
            while len(block) < size:
                block += line.format(number).encode()
                number += 1
            yield bytes(block)

    return lines().__next__


def upgrade(url: str, *more: str) -> bytes:
    """A handshake for a session's URL."""
    parts = urlsplit(url)
    headers = dict(HEADERS) | {"Host": parts.netloc}
    lines = [f"{name}: {value}" for name, value in headers.items()]
    first = f"GET {parts.path}?{parts.query} HTTP/1.1"
    return "\r\n".join((first, *lines, *more, "", "")).encode()


async def token_holder(attack: Attack, url: str, *, reads: bool = True) -> Stranger:
    """A connection with an accepted handshake."""
    stranger = await come(attack.address, reads=True)
    await stranger.send(upgrade(url))
    answer = await stranger.answered()
    assert answer.startswith(b"HTTP/1.1 101"), answer[:200]
    if not reads and stranger._reading is not None:  # noqa: SLF001  our own
        stranger._reading.cancel()  # noqa: SLF001
    return stranger


def plain(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame with a mask of noughts, which costs nothing to make."""
    return frame(opcode, b"", fin=fin, mask=bytes(4)) if not payload else _whole(opcode, payload)


def _whole(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload
