"""Connections that never end, say too much or take nothing: each is answered, or cut in time."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from integration.http_house import LARGE, SHORT, House, running
from vivavoce.server.http.connections import ConnectionSlot

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (
    b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
SOCKET = b"GET /socket HTTP/1.1\r\n" + UPGRADE
SOON = 4.0
"""Seconds that a busy machine may add to clocks of a second."""


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with running(House()) as here:
        yield here


def status(answer: bytes) -> int:
    """Of a response."""
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (SOCKET + b"Transfer-Encoding: chunked\r\n\r\n", 400),
        (SOCKET + b"Content-Length: 5\r\n\r\n", 400),
        (SOCKET + b"Content-Length: 5\r\n\r\nhello", 400),
        (b"POST /socket HTTP/1.1\r\n" + UPGRADE + b"\r\n", 405),
        (b"GET /socket?" + b"x" * 9000 + b" HTTP/1.1\r\n" + UPGRADE + b"\r\n", 414),
        (SOCKET + b"a: " + b"b" * 9000 + b"\r\n\r\n", 431),
        (SOCKET + b"a: b\r\n" * 140 + b"\r\n", 431),
        (SOCKET.replace(b"Key: AAAA", b"Key: ") + b"\r\n", 400),
        (SOCKET.replace(b": websocket", b": h2c") + b"\r\n", 404),
        (SOCKET.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n", 404),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 20_000, 431),
        (b"GET /" + b"x" * 70_000, 431),
        (CHUNKED.replace(b" / ", b" /echo ") + b"0\r\n" + b"a:b\r\n" * 200, 431),
        (CHUNKED.replace(b" / ", b" /echo ") + b"0\r\na:" + b"b" * 70_000, 431),
        (CHUNKED.replace(b" / ", b" /echo ") + b"1;" + b"b" * 70_000, 431),
        (CHUNKED.replace(b" / ", b" /echo ") + b"1\r\nx\r\n" * 20_000, 431),
        (CHUNKED.replace(b" / ", b" /echo ") + b"2\r\nxyz", 400),
        (b"GET /", 408),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", 408),
    ],
)
async def test_what_is_wrong_is_answered_and_closed(house: House, data: bytes, wanted: int) -> None:
    raw = await house.connect()
    await raw.send(data)
    answer = await raw.rest()
    assert status(answer) == wanted
    assert await house.emptied(SOON)


async def trickle(house: House, first: bytes, then: bytes, every: float = 0.1) -> float:
    """Send a start, then a little again and again; gives the seconds until it is over."""
    loop = asyncio.get_running_loop()
    raw, begun = await house.connect(), loop.time()
    await raw.send(first)
    while len(house.connections) and loop.time() - begun < SOON:
        await asyncio.sleep(every)
        await raw.send(then)
    raw.drop()
    return loop.time() - begun


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b"\r\n"),
        (b"GET /", b"x"),
        (GET, b"\r\n"),
        (GET, b"\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"0\r\n", b"a:b\r\n"),
        (CHUNKED.replace(b" / ", b" /echo ") + b"0\r\n", b"a:b\r\n"),
    ],
    ids=[
        *("line ends", "head", "line end behind an answer", "bare one", "body behind an answer"),
        *("body behind a 404", "body", "chunks behind an answer", "trailers", "trailers of a body"),
    ],
)
async def test_bytes_that_trickle_keep_no_connection_open(
    house: House, first: bytes, then: bytes
) -> None:
    longest = SHORT.request_seconds + SHORT.linger_seconds
    assert await trickle(house, first, then) < longest + 1.5
    assert await house.emptied(SOON)


async def test_silence_keeps_no_connection_open(house: House) -> None:
    starts = [b"", b"GET", GET, CHUNKED, CHUNKED + b"0\r\n", SOCKET]
    raws = [await house.connect() for _ in starts]
    for raw, start in zip(raws, starts, strict=True):
        await raw.send(start)
    assert await house.emptied(SOON)


async def test_a_kept_connection_serves_request_after_request(house: House) -> None:
    raw = await house.connect()
    for _ in range(3):
        await raw.send(b"\r\n" + GET)
        answer = await raw.answer()
        assert status(answer) == 200
        assert answer.endswith(b"hello")
        await asyncio.sleep(0.2)
    await raw.send(GET * 3)
    assert [status(await raw.answer()) for _ in range(3)] == [200] * 3


async def test_each_request_of_a_kept_connection_has_all_its_time(house: House) -> None:
    raw = await house.connect()
    for _ in range(5):
        await raw.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        await asyncio.sleep(0.4)
        await raw.send(b"b")
        assert (await raw.answer()).endswith(b"\r\n\r\nab")


async def test_a_body_in_pieces_and_chunks_arrives_whole(house: House) -> None:
    raw = await house.connect()
    await raw.send(CHUNKED.replace(b" / ", b" /echo "))
    for part in (b"3\r\nab", b"c\r\n", b"4;x=y\r\ndefg\r\n", b"0\r\ntrailer: x\r", b"\n\r\n"):
        await asyncio.sleep(0.02)
        await raw.send(part)
    assert (await raw.answer()).endswith(b"\r\n\r\nabcdefg")
    await raw.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n")
    await raw.send(b"y" * 300_000)
    assert (await raw.answer()).endswith(b"\r\n\r\n" + b"y" * 300_000)


async def test_a_client_that_waits_for_100_gets_it_before_its_body(house: House) -> None:
    raw = await house.connect()
    expecting = b"POST %b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    await raw.send(expecting % b"/echo")
    assert await raw.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await raw.send(b"ab")
    assert (await raw.answer()).endswith(b"ab")
    await raw.send(expecting % b"/")
    answer = await raw.rest()
    assert status(answer) == 200
    assert b"connection: close" in answer


async def test_the_answer_to_a_body_that_is_not_read_arrives(house: House) -> None:
    raw = await house.connect()
    await raw.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n")
    await raw.send(b"x" * 5_000_000)
    answer = await raw.rest()
    assert status(answer) == 200
    assert b"connection: close" in answer


async def slow_reader(house: House, bytes_at_once: int, every: float) -> int:
    """Ask for a large response and read it slowly; gives the bytes that came."""
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, ("127.0.0.1", house.port))
        await loop.sock_sendall(raw, GET.replace(b" / ", b" /large "))
        while not len(house.connections):  # noqa: ASYNC110  the server's own count
            await asyncio.sleep(0.01)
        found, until = 0, loop.time() + 3 * SHORT.reader_seconds
        while loop.time() < until and len(house.connections):
            await asyncio.sleep(every)
            if bytes_at_once:
                found += len(await loop.sock_recv(raw, bytes_at_once))
        return found


async def test_a_reader_that_takes_nothing_is_cut(house: House) -> None:
    assert await slow_reader(house, 0, 0.1) == 0
    assert await house.emptied(SOON)
    assert house.refused["slow_reader"] == 1


async def test_a_reader_that_takes_a_little_is_not_cut(house: House) -> None:
    found = await slow_reader(house, 4096, 0.02)
    assert 0 < found < LARGE
    assert house.refused["slow_reader"] == 0
    assert len(house.connections) == 1


async def test_a_reader_that_asks_again_and_again_and_takes_nothing_is_cut(house: House) -> None:
    raw = await house.connect(limit=1)
    await raw.send((GET.replace(b" / ", b" /large ")) * 1000)
    assert await house.emptied(SHORT.reader_seconds + SOON)


async def test_a_client_that_leaves_during_its_body_is_no_error(house: House) -> None:
    with capture_logs() as lines:
        for request in (b"POST /echo", b"GET /large"):
            raw = await house.connect()
            await raw.send(request + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
            await asyncio.sleep(0.1)
            raw.drop()
        assert await house.emptied(SOON)
        await asyncio.sleep(0.1)
    assert [line["event"] for line in lines] == ["client_disconnected"] * 2
    assert {line["log_level"] for line in lines} == {"debug"}


async def test_a_websocket_counts_as_a_connection_until_it_is_lost(house: House) -> None:
    raw = await house.connect()
    await raw.send(SOCKET + b"\r\n")
    assert status(await raw.reader.readuntil(b"\r\n\r\n")) == 101
    await asyncio.sleep(SHORT.request_seconds + SHORT.keep_alive_seconds)
    assert len(house.connections) == 1
    raw.drop()
    assert await house.emptied(SOON)


class Noting(asyncio.Protocol):
    """In place of the WebSocket side: notes what it is given, and answers with it."""

    connection_slot: ConnectionSlot | None = None

    def __init__(self, **given: Any) -> None:
        assert set(given) == {"config", "server_state", "app_state"}
        self.said: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert self.connection_slot is not None, "it comes before the connection"
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"%d:%b|" % (data.count(b"\r\n"), data[-4:]))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        assert self.connection_slot is not None
        self.connection_slot.release()


async def test_what_comes_behind_a_handshake_is_handed_on_behind_it() -> None:
    async with running(House(websocket=Noting)) as house:
        raw = await house.connect()
        lines = SOCKET.count(b"\r\n") + 1
        await raw.send(SOCKET + b"\r\n" + b"\x81\x85rest")
        assert await raw.reader.readuntil(b"rest|") == b"%d:\r\n\r\n|0:rest|" % lines
        await raw.send(b"more")
        assert await raw.reader.readuntil(b"more|") == b"0:more|"
        assert len(house.connections) == 1
        raw.drop()
        assert await house.emptied(SOON)


async def test_where_all_connections_are_taken_the_silent_give_way() -> None:
    async with running(House(total=5)) as house:
        silent = [await house.connect() for _ in range(5)]
        new = await house.connect()
        await new.send(GET)
        assert status(await new.answer()) == 200
        assert house.refused["gave_way"] == 1
        assert await silent[0].rest() == b""


async def test_where_all_are_at_work_a_new_one_is_refused_and_told_when_to_come_back() -> None:
    async with running(House(total=2)) as house:
        sockets = [await house.connect() for _ in range(2)]
        for raw in sockets:
            await raw.send(SOCKET + b"\r\n")
            assert status(await raw.reader.readuntil(b"\r\n\r\n")) == 101
        answer = await (await house.connect()).rest()
        assert status(answer) == 503
        assert b"retry-after: 5\r\n" in answer
        sockets[0].drop()
        await asyncio.sleep(0.2)
        again = await house.connect()
        await again.send(GET)
        assert status(await again.answer()) == 200
