"""Connections that are opened and left: none may be there 15 s later."""

import asyncio
from collections.abc import Awaitable, Callable

from abuse.attacker import Stranger, come, plain
from abuse.measure import ROWS, Attack, Row, measured
from integration.server_process import ServerProcess
from websocket_suite.raw_frames import PING, handshake

EACH = 3
WAIT = 15.0
FILL = "f" * 9000
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"

SILENT: dict[str, bytes] = {
    "a: upgrade, request line over 8 KiB": handshake(request_line=f"GET /{FILL} HTTP/1.1"),
    "b: upgrade, header line over 8 KiB": handshake(more=(f"X: {FILL}",)),
    "c: upgrade, more than 128 headers": handshake(more=tuple(f"X-{n}: y" for n in range(130))),
    "d: upgrade with Transfer-Encoding": handshake(more=("Transfer-Encoding: chunked",)),
    "e: upgrade with Content-Length 5": handshake(more=("Content-Length: 5",)),
    "e2: upgrade with Content-Length 5 and a body": handshake(more=("Content-Length: 5",))
    + b"hello",
    "upgrade without a version": handshake(("Sec-WebSocket-Version", None)),
    "upgrade to another protocol": handshake(("Upgrade", "h2c")),
    "upgrade with a wrong token": handshake(),
    "upgrade with a wrong token and a ping": handshake() + plain(PING, b""),
    "upgrade to a path that is not there": handshake(request_line="GET /nothing HTTP/1.1"),
    "nothing at all": b"",
    "half a request line": b"GET /hea",
    "half a head": GET[:-2],
    "half an upgrade": handshake()[:-2],
    "head of a body that never comes, 404": POST % b"nothing",
    "head of a body that never comes, 401": POST % b"v2/live",
    "a trailer that never ends": b"POST /nothing HTTP/1.1\r\nHost: localhost\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\na: b",
    "an answer and nothing more": GET,
}


async def answered_then(stranger: Stranger, data: bytes) -> None:
    """Ask for something, and send this behind the answer."""
    await stranger.send(GET)
    await stranger.answered(b"OK")
    await stranger.send(data)


async def trickle(stranger: Stranger, head: bytes, byte: bytes) -> None:
    """Send a byte a second for good."""
    await stranger.send(head)
    while await stranger.send(byte):  # noqa: ASYNC110  a peer decides it
        await asyncio.sleep(1)


async def blank_lines(stranger: Stranger) -> None:
    """A blank line a second behind an answer."""
    await answered_then(stranger, b"\r\n")
    while await stranger.send(b"\r\n"):  # noqa: ASYNC110  a peer decides it
        await asyncio.sleep(1)


BUSY: dict[str, Callable[[Stranger], Awaitable[None]]] = {
    "f: one blank line behind an answer": lambda one: answered_then(one, b"\r\n"),
    "f2: blank lines behind an answer": blank_lines,
    "f3: half a head behind an answer": lambda one: answered_then(one, GET[:20]),
    "g: a body that trickles behind a 404": lambda one: trickle(one, POST % b"nothing", b"x"),
    "g2: a body that trickles behind a 401": lambda one: trickle(one, POST % b"v2/live", b"x"),
    "a head that trickles": lambda one: trickle(one, GET[:20], b"x"),
    "an upgrade that trickles": lambda one: trickle(one, handshake()[:-2] + b"X: ", b"x"),
    "trailers that trickle": lambda one: trickle(one, SILENT["a trailer that never ends"], b"x"),
}


async def test_no_connection_is_open_15_s_after_a_stranger_left_it(
    attacked: ServerProcess,
) -> None:
    async with measured(attacked, "hanging connections, all shapes") as attack:
        shapes: dict[str, list[Stranger]] = {}
        tasks: list[asyncio.Task[None]] = []
        for name, data in SILENT.items():
            shapes[name] = [await come(attack.address) for _ in range(EACH)]
            for stranger in shapes[name]:
                await stranger.send(data)
        for name, work in BUSY.items():
            shapes[name] = [await come(attack.address) for _ in range(EACH)]
            tasks += [asyncio.ensure_future(work(stranger)) for stranger in shapes[name]]
        await asyncio.sleep(WAIT)
        rows = [row_of(attack, name, strangers) for name, strangers in shapes.items()]
        attack.row.left = sum(row.left or 0 for row in rows)
        if attack.row.left:
            attack.row.faults.append(f"{attack.row.left} connections left")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for strangers in shapes.values():
            for stranger in strangers:
                stranger.drop()
    ROWS.extend(rows)
    faults = [f"{row.attack}: {fault}" for row in rows for fault in row.faults]
    faults += attack.row.faults
    assert not faults, "\n".join(faults)


def row_of(attack: Attack, name: str, strangers: list[Stranger]) -> Row:
    """What became of the connections of a shape."""
    attack.ours = {stranger.port for stranger in strangers}
    row = Row(name, left=attack.left)
    row.note = bytes(strangers[0].answer[:12]).decode() or "no answer"
    if row.left:
        row.faults.append(f"{row.left} of {EACH} open after {WAIT:.0f} s")
    return row
