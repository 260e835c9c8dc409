"""Random requests in random pieces: no crash, nothing without bound, one verdict for all cuts."""

import asyncio
from contextlib import suppress
from typing import Any

from fuzz.bytes_and_texts import Dice, cut, damaged
from websocket_suite.memory import Connection

BOUND = 64 * 1024
"""Bytes of a head; with some more for the read that goes over it, the connection has ended."""

HEADERS = (
    b"Host: localhost",
    b"Content-Type: application/json",
    b"X-Gladia-Key: k",
    b"Connection: keep-alive",
    b"Connection: close",
    b"Expect: 100-continue",
    b"Cookie: a=b",
    b"Accept: */*",
)
PATHS = (b"/", b"/v2/live?token=x", b"/health", b"/%41", b"*", b"http://h/p", b"/a#b", b"//x", b"")


class Reader:
    """An application that reads a request to its end and then answers; what it saw is kept."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.seen: list[tuple[Any, ...]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event.get("body", b"")
            more = event.get("more_body", False)
        self.seen.append((scope["method"], scope["path"], tuple(scope["headers"]), body))
        self.messages.append(body)
        await send(
            {"type": "http.response.start", "status": 204, "headers": [(b"content-length", b"0")]}
        )
        await send({"type": "http.response.body", "body": b""})


def request(dice: Dice) -> bytes:
    """A request, in most cases a good one."""
    method = dice.choice((b"GET", b"POST", b"DELETE", b"PATCH", b"OPTIONS", b"BREW"))
    version = dice.choice((b"HTTP/1.1",) * 8 + (b"HTTP/1.0", b"HTTP/3.1"))
    lines = [method + b" " + dice.choice(PATHS) + b" " + version]
    lines += dice.choices(HEADERS, k=dice.randrange(6))
    body = dice.randbytes(dice.randrange(60))
    framing = dice.randrange(4)
    if framing == 1:
        lines.append(b"Content-Length: %d" % (len(body) + dice.choice((0, 0, 0, 1, -1))))
    elif framing == 2:
        lines.append(b"Transfer-Encoding: chunked")
        pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
        extension = dice.choice((b"", b"", b";a=b"))
        body = b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces)
        body += b"0\r\n" + dice.choice((b"", b"", b"A: b\r\n")) + b"\r\n"
    else:
        body = b""
    data = b"\r\n".join((*lines, b"", b"")) + body
    return damaged(dice, data) if dice.random() < 0.4 else data


def statuses(written: bytes) -> list[bytes]:
    """The status lines of the answers."""
    return [line for line in written.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


async def verdict(pieces: list[bytes]) -> tuple[Any, ...] | None:
    """What is made of a request in pieces; None where reading was paused or more than one came."""
    app = Reader()
    one = Connection(app, http=True)
    paused = False
    try:
        for piece in pieces:
            paused |= one.transport.paused
            await one.feed(piece)
        await one.settled()
        # The Date of two runs may differ, so the lines of the answers are enough.
        found = (app.seen, statuses(bytes(one.transport.written)), one.transport.ended)
    finally:
        await one.end()
    return None if paused or len(app.seen) > 1 else found


async def one_request(dice: Dice) -> None:
    """A request means the same in every cut."""
    data = request(dice)
    whole, apart = await verdict([data]), await verdict(cut(dice, data))
    if whole is not None and apart is not None:
        assert whole == apart, f"whole {whole}, in pieces {apart}, for {data!r}"


FILLERS = (b"a:b\r\n", b"x", b"X: y\r\n", b"\r\n", b": \r\n", b"n" * 500 + b": v\r\n", b"%")
BEGINNINGS = (
    b"GET / HTTP/1.1\r\n",
    b"GET /",
    b"GET / HTTP/1.1\r\nX: ",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    b"",
)


async def endless(dice: Dice) -> None:
    """A head or trailers without an end are cut off at their bound."""
    begin, filler = dice.choice(BEGINNINGS), dice.choice(FILLERS)
    app = Reader()
    one = Connection(app, http=True)
    sent, block = 0, filler * (dice.choice((1500, 8000)) // len(filler) + 1)
    try:
        await one.feed(begin)
        while not one.transport.ended and sent <= BOUND + 2 * len(block):
            with suppress(AssertionError):
                await one.feed(block)
            sent += len(block)
            if dice.random() < 0.1:
                await asyncio.sleep(0)
        await one.settled()
        assert one.transport.ended, f"{sent} bytes of {filler!r} behind {begin!r}, and still open"
    finally:
        await one.end()
