"""Lines that break, crawl, or lead to somebody who never reads."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.uri import parse_uri

from faults.callers import Passage, official, own
from faults.conftest import COUNT, Ledger, StartServer
from faults.rounds import Caller, calls
from history import History
from integration.fault_proxy import Cut, FaultProxy
from integration.server_process import KEY, ServerProcess
from integration.wire import PATIENCE, Api, line, proved

AT_ONCE = 15
MEGABYTE = 1 << 20
GIVEN_UP_WITHIN = 60
"""Seconds: two pings of 20 s each, and a margin for a busy machine."""


@pytest.mark.parametrize("caller", [official, own], ids=["official-sdk", "own-client"])
async def test_f024_nothing_is_lost_when_lines_break_within_a_frame(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    ledger: Ledger,
    caller: Caller,
) -> None:
    places = [dice.randint(500, 120_000) for _ in range(2 * AT_ONCE)]
    cuts = [Cut(after, losing=dice.choice([0, after // 2])) for after in places]
    proxy = FaultProxy(scripted.url, cuts)
    with ledger.fault(f"reset within a frame, {caller.__name__} client") as row:
        async with proxy.running() as url:
            going = calls(scripted, passages, dice, AT_ONCE, [caller], url=url)
            async with going as at_work:
                row.sessions += AT_ONCE
                await at_work.prove()
            row.interrupted += proxy.sockets - AT_ONCE
    assert proxy.sockets > AT_ONCE


@pytest.mark.parametrize("caller", [official, own], ids=["official-sdk", "own-client"])
async def test_f024_an_end_that_the_line_swallowed_is_told_to_a_client_that_comes_back(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    ledger: Ledger,
    caller: Caller,
) -> None:
    """The server had thought its client sent away once the last bytes were with the kernel.

    The client came back to a session that was over, was refused (403) five times and never heard
    its last finals; the official SDK then hangs where nobody listens for its errors.
    """
    passage = passages[0]
    never = 2 * len(passage.audio)
    # Deaf from 30 kB on, and never cut: only the server's end of the line ends it.
    proxy = FaultProxy(scripted.url, [Cut(never, losing=never - 30_000)])
    with ledger.fault(f"the end is swallowed, {caller.__name__} client") as row:
        async with proxy.running() as url:
            going = calls(scripted, [passage], dice, 1, [caller], url=url)
            async with going as at_work:
                row.sessions, row.interrupted = 1, 1
                await at_work.prove()
    assert at_work.calls[0].history.finished
    assert proxy.sockets == 2


@asynccontextmanager
async def raw_socket(
    url: str,
) -> AsyncIterator[tuple[ClientProtocol, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A socket after the handshake, byte by byte in the hands of the test."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=4096)
    try:
        protocol = ClientProtocol(parse_uri(url))
        protocol.send_request(protocol.connect())
        writer.write(b"".join(protocol.data_to_send()))
        protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
        yield protocol, reader, writer
    finally:
        writer.transport.abort()


async def test_f029_a_sender_of_single_bytes_is_heard(
    scripted: ServerProcess, ledger: Ledger
) -> None:
    made = await Api(scripted.url).create()
    with ledger.fault("one byte at a time") as row:
        row.sessions += 1
        async with raw_socket(made.url) as (protocol, reader, writer):
            protocol.send_binary(bytes(200))
            for byte in b"".join(protocol.data_to_send()):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.001)
            await reader.readuntil(b'"byte_range":[0,200]')


@pytest.mark.skipif(COUNT < 100, reason="takes a minute: make faults COUNT=100")
async def test_f030_who_never_reads_costs_little_is_given_up_and_may_come_back(
    scripted: ServerProcess, ledger: Ledger
) -> None:
    api = Api(scripted.url)
    made = await api.create()
    history = History()
    with ledger.fault("a client that never reads") as row:
        row.sessions, row.interrupted = 1, 1
        before = psutil.Process(scripted.pid).memory_info().rss
        async with raw_socket(made.url) as (protocol, _, writer):
            sending = asyncio.create_task(flood(protocol, writer), name="flood")
            process = psutil.Process(scripted.pid)
            port = writer.get_extra_info("sockname")[1]
            async with asyncio.timeout(GIVEN_UP_WITHIN):
                while connected(process, port):  # noqa: ASYNC110  a process apart
                    await asyncio.sleep(0.5)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        grown = (process.memory_info().rss - before) / MEGABYTE
        row.notes.append(f"server grew by {grown:.0f} MiB")
        assert grown < 64
        async with line(made.url, history) as talking:
            await talking.stop()
            await talking.rest()
        assert talking.close_code == 1000


async def flood(protocol: ClientProtocol, writer: asyncio.StreamWriter) -> None:
    """Send small frames as fast as the server takes them."""
    while True:
        protocol.send_binary(bytes(320))
        writer.write(b"".join(protocol.data_to_send()))
        await writer.drain()


def connected(process: psutil.Process, port: int) -> bool:
    """Whether a server still holds a connection with a client's port."""
    return any(c.raddr and c.raddr.port == port for c in process.net_connections("tcp"))


@pytest.mark.skipif(COUNT < 100, reason="takes half a minute: make faults COUNT=100")
@pytest.mark.parametrize("beginning", [b"", b"GET /v2/live HTTP/1.1\r\nhost: x\r\nx-"])
async def test_f029_a_handshake_that_does_not_come_is_cut_off(
    scripted: ServerProcess, ledger: Ledger, beginning: bytes
) -> None:
    address = urlsplit(scripted.url)
    with ledger.fault("stalled handshake") as row:
        row.sessions += 1
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        async with asyncio.timeout(PATIENCE):
            writer.write(beginning)
            with contextlib.suppress(ConnectionError):
                while not reader.at_eof():
                    # A byte now and then must not keep it open.
                    writer.write(b"y" if beginning else b"")
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(1), 0.5)
        writer.transport.abort()


@pytest.mark.skipif(COUNT < 100, reason="takes a minute: make faults COUNT=100")
async def test_f030_who_reads_a_kilobyte_a_second_is_let_go_and_loses_nothing(
    scripted: ServerProcess, passages: list[Passage], ledger: Ledger
) -> None:
    api = Api(scripted.url)
    made = await api.create(messages_config={"receive_acknowledgments": True})
    history = History()
    passage = passages[0]
    frames = [passage.audio[at : at + 32] for at in range(0, len(passage.audio), 32)]
    with ledger.fault("a client that reads 1 kB/s") as row:
        row.sessions, row.interrupted = 1, 1
        async with raw_socket(made.url) as (protocol, reader, writer):
            history.sent(passage.audio)
            process = psutil.Process(scripted.pid)
            before = process.memory_info().rss
            port = writer.get_extra_info("sockname")[1]
            reading = asyncio.create_task(sip(reader), name="sip")
            with contextlib.suppress(ConnectionError):
                for frame in frames:
                    protocol.send_binary(frame)
                    writer.write(b"".join(protocol.data_to_send()))
                    await writer.drain()
            async with asyncio.timeout(GIVEN_UP_WITHIN):
                while connected(process, port):  # noqa: ASYNC110  a process apart
                    await asyncio.sleep(0.5)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        grown = (process.memory_info().rss - before) / MEGABYTE
        row.notes.append(f"server grew by {grown:.0f} MiB")
        assert grown < 64
        async with line(made.url, history) as talking:
            await talking.socket.send(passage.audio)
            await talking.stop()
            await talking.rest()
        await proved(api, made, history, passage.finals)


async def sip(reader: asyncio.StreamReader) -> None:
    """Read a kilobyte a second."""
    while await reader.read(1024):  # noqa: ASYNC110  slow on purpose
        await asyncio.sleep(1)


async def test_f025_who_comes_back_after_the_grace_finds_a_finished_session(
    start_server: StartServer, passages: list[Passage], ledger: Ledger
) -> None:
    server = start_server(settings={"VIVAVOCE_RESUME_GRACE": "2"})
    api = Api(server.url)
    made = await api.create()
    history = History()
    passage = passages[0]
    with ledger.fault("a drop longer than the grace") as row:
        row.sessions, row.interrupted = 1, 1
        async with line(made.url, history) as talking:
            await talking.send([passage.audio])
            await talking.acknowledged(len(passage.audio))
            talking.drop()
        await proved(api, made, history, passage.finals)
        assert await refused_with(made.url) == 403


async def refused_with(url: str) -> int:
    """With what a URL is refused, now or once its session has left the journal."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with line(url) as talking:
                    talking.drop()
            except InvalidStatus as refusal:
                return refusal.response.status_code
            await asyncio.sleep(1)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 5.0])
async def test_f025_a_drop_within_the_grace_is_forgotten(
    scripted: ServerProcess, passages: list[Passage], ledger: Ledger, seconds: float
) -> None:
    api = Api(scripted.url)
    made = await api.create()
    history = History()
    passage = passages[1]
    half = len(passage.audio) // 2
    with ledger.fault("drops of up to 5 s") as row:
        row.sessions += 1
        row.interrupted += 1
        async with line(made.url, history) as talking:
            await talking.send([passage.audio[:half]])
            await talking.acknowledged(half)
            talking.drop()
        await asyncio.sleep(seconds)
        async with line(made.url, history) as talking:
            await talking.send([passage.audio[half:]])
            await talking.stop()
            await talking.rest()
        await proved(api, made, history, passage.finals)


@pytest.mark.parametrize("trusted", ["", "192.0.2.1", "127.0.0.1"])
async def test_f034_a_proxy_names_the_address_only_where_it_is_trusted(
    start_server: StartServer, trusted: str
) -> None:
    server = start_server(settings={"VIVAVOCE_TRUSTED_PROXIES": trusted})
    headers = {
        "x-gladia-key": KEY,
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-host": "speech.example",
        "x-forwarded-proto": "https",
    }
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        url = (await http.post("/v2/live", json={})).json()["url"]
    here = server.url.replace("http", "ws", 1)
    assert url.startswith("wss://speech.example/" if trusted == "127.0.0.1" else f"{here}/")
