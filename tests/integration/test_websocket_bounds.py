"""A client with a session's token, or with none, against the endpoint: bytes over real sockets.

Figures are loose, for machines that do other things; decision 19 has the measured ones.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from integration.server_process import ServerProcess
from integration.wire import Api, line, session
from vivavoce.load.light_socket import BINARY, CLOSE, PING, PONG, TEXT, frame, unframed

MEBIBYTE = 1 << 20
CHUNK = bytes(3200)
UNCOLLECTED = """
import gc
gc.disable()
gc.enable = lambda: None
from vivavoce.cli.main import app
import sys
app(["serve", *sys.argv[1:]], prog_name="vivavoce")
"""


def head(url: str, *more: str) -> bytes:
    """The head of a handshake."""
    parts = urlsplit(url)
    lines = [
        f"GET {parts.path}?{parts.query} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[Streams]:
    """A plain connection; it is reset at the end."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Streams]:
    """A connection after its handshake."""
    async with connection(url) as (reader, writer):
        writer.write(head(url))
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        assert b" 101 " in answer, answer
        yield reader, writer


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server closes, however it closes."""
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65536):
            data += piece
    return bytes(data)


def close_code(data: bytes) -> int | None:
    """The code of the close frame among a server's frames."""
    closes = [payload for kind, payload in unframed(data)[0] if kind == CLOSE]
    return int.from_bytes(closes[0][:2], "big") if closes else None


@pytest.fixture(scope="module")
def bounded(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for these tests: it notices the end of a flood only once it has read that far."""
    data = tmp_path_factory.mktemp("bounded") / "data"
    with ServerProcess(data, {"VIVAVOCE_MODELS": str(models)}).running() as process:
        yield process


@pytest.fixture
def api(bounded: ServerProcess) -> Api:
    """The HTTP routes of that server."""
    return Api(bounded.url)


# -- handshakes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "lines", "status"),
    [
        ("/v2/live?token=" + "a" * 8300, [], 414),
        ("/v2/live?token=a", ["x-long: " + "a" * 8300], 431),
        ("/v2/live?token=a", [f"x-{n}: a" for n in range(140)], 431),
    ],
    ids=["request line", "header line", "headers"],
)
async def test_an_upgrade_beyond_the_limits_is_answered_and_closed(
    bounded: ServerProcess, path: str, lines: list[str], status: int
) -> None:
    """They were neither answered nor closed."""
    url = bounded.url + path
    async with connection(url) as (reader, writer):
        writer.write(head(url, *lines))
        answer = await asyncio.wait_for(read_to_end(reader), 5)
        assert answer.startswith(b"HTTP/1.1 ")
        assert int(answer[9:12]) in {status, 431}, "the HTTP server may be stricter"


async def test_one_token_does_not_keep_new_clients_out(api: Api) -> None:
    """Every new client got 503 while one repeated its handshake."""
    busy = await api.create()
    async with line(busy.url) as talking:
        await talking.send([CHUNK])
        await talking.next("audio_chunk")

    async def repeat() -> None:
        while True:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                async with connection(busy.url) as (reader, writer):
                    writer.write(head(busy.url))
                    await reader.readuntil(b"\r\n\r\n")

    attackers = [asyncio.create_task(repeat(), name="attacker") for _ in range(100)]
    try:
        await asyncio.sleep(1)
        for _ in range(3):
            made = await api.create()
            async with asyncio.timeout(20), line(made.url) as talking:
                await talking.send([CHUNK])
                await talking.next("audio_chunk")
    finally:
        for attacker in attackers:
            attacker.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)


# -- floods ------------------------------------------------------------------------------------


async def acks_while(api: Api, seconds: float) -> list[float]:
    """How long another client waits for each of its acks, in seconds."""
    waits = []
    async with session(api) as (_, talking):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sent = time.monotonic()
            await talking.send([CHUNK])
            await talking.next("audio_chunk")
            waits.append(time.monotonic() - sent)
            await asyncio.sleep(0.02)
    return waits


FLOODS = {
    "pings": (b"", frame(PING, b"")),
    "pongs": (b"", frame(PONG, b"")),
    "continuations": (b"\x01" + frame(TEXT, b"")[1:], b"\x00\x80abcd"),
    "texts after a close": (frame(TEXT, b"x") * 101, frame(TEXT, b"")),
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_of_small_frames_slows_its_sender_alone(api: Api, kind: str) -> None:
    """The server stood still for all others, for as long as the flood went on."""
    begin, each = FLOODS[kind]
    made = await api.create()

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reading = asyncio.create_task(read_to_end(reader), name="reader of the flood")
        try:
            writer.write(begin)
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(each * 10_000)
                    await writer.drain()
        finally:
            reading.cancel()

    async with opened(made.url) as (reader, writer):
        flood = asyncio.create_task(send(reader, writer), name="flood")
        await asyncio.sleep(0.5)
        waits = await acks_while(api, 4)
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)
    assert statistics.median(waits) < 0.25, f"{len(waits)} acks"
    assert max(waits) < 2


# -- frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (b"\x82\x7f" + (1 << 20).to_bytes(8, "big"), 1002),
        (b"\xf2\xff" + (1 << 20).to_bytes(8, "big"), 1002),
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big"), 1009),
        (frame(TEXT, b"\xff\xfe"), 1007),
    ],
    ids=["not masked", "reserved bits", "too long", "no UTF-8"],
)
async def test_a_wrong_frame_is_refused_by_its_first_bytes(
    api: Api, first: bytes, code: int
) -> None:
    made = await api.create()
    async with opened(made.url) as (reader, writer):
        writer.write(first)
        answer = await asyncio.wait_for(read_to_end(reader), 5)
        assert close_code(answer) == code


async def test_a_text_that_is_no_utf8_leaves_no_traceback(own: ServerProcess) -> None:
    made = await Api(own.url).create()
    async with opened(made.url) as (reader, writer):
        writer.write(frame(TEXT, b"\xff\xfe"))
        await read_to_end(reader)
    assert "Traceback" not in own.log
    assert "exception" not in own.log


# -- memory ------------------------------------------------------------------------------------


@pytest.fixture
def uncollected(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose garbage is never collected."""
    server = ServerProcess(
        tmp_path / "data", {"VIVAVOCE_MODELS": str(models)}, program=("-c", UNCOLLECTED)
    )
    with server.running() as process:
        yield process


async def test_what_a_dropped_connection_held_is_freed_at_once(uncollected: ServerProcess) -> None:
    """Each kept 32 MiB until garbage was collected, which happens seldom."""
    api = Api(uncollected.url)
    process = psutil.Process(uncollected.pid)
    part = frame(BINARY, bytes(32 * MEBIBYTE))[:-1]

    async def drop() -> None:
        made = await api.create()
        async with opened(made.url) as (_, writer):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.2)

    await drop()  # what the first connection of a process needs for good
    await asyncio.sleep(1)
    before = process.memory_info().rss
    for _ in range(20):
        await drop()
    await asyncio.sleep(1)
    grown = (process.memory_info().rss - before) / MEBIBYTE
    assert grown < 32, f"grown by {grown:.0f} MiB"
