"""Heads of requests that never end: a stranger's bytes must not become the server's memory."""

import asyncio
from collections.abc import Callable

import pytest

from abuse.attacker import come, flood, numbered, repeated
from abuse.measure import check, measured
from abuse.rounds import SECONDS, some
from integration.server_process import ServerProcess

BEGIN = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"

HEADS: dict[str, tuple[bytes, Callable[[], bytes], int]] = {
    "header flood, short lines": (BEGIN, repeated(b"a:b\r\n"), 1),
    "header flood, long lines": (BEGIN, numbered("X-{}: " + "x" * 1000 + "\r\n"), 1),
    "header flood, one endless line": (BEGIN + b"X: ", repeated(b"x"), 4),
    "request line without an end": (b"GET /", repeated(b"x"), 4),
    "method without an end": (b"", repeated(b"G"), 4),
    "header name without an end": (BEGIN, repeated(b"n"), 4),
    "blank lines without an end": (b"", repeated(b"\r\n"), 4),
    "upgrade that never ends": (
        BEGIN + b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        repeated(b"a:b\r\n"),
        1,
    ),
}


OFTEN = ("header flood, short lines", "header flood, one endless line", "upgrade that never ends")


@pytest.mark.parametrize("name", some(HEADS, *OFTEN))
async def test_a_head_without_an_end(attacked: ServerProcess, name: str) -> None:
    begin, more, count = HEADS[name]
    async with measured(attacked, name) as attack:
        strangers = [await come(attack.address) for _ in range(count)]
        attack.ours = {stranger.port for stranger in strangers}
        for stranger in strangers:
            await stranger.send(begin)
        sent = await asyncio.gather(
            *(flood(attack, stranger, more, SECONDS) for stranger in strangers)
        )
        attack.row.left = await attack.left_behind()
        attack.row.note = f"{sum(sent) >> 20} MiB sent, {strangers[0].answer[:12].decode()!r}"
        for stranger in strangers:
            stranger.drop()
    check(attack.row)
