"""What follows a body: trailers and chunk extensions have the bounds of a head and its clock."""

import asyncio
from collections.abc import Callable

import pytest

from abuse.attacker import come, flood, numbered, repeated
from abuse.measure import check, measured
from abuse.rounds import SECONDS, some
from integration.server_process import ServerProcess

MEBIBYTE = 1 << 20


def request(path: str) -> bytes:
    """A request with a body in chunks up to its last one."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    ).encode()


FLOODS: dict[str, tuple[bytes, Callable[[], bytes]]] = {
    "trailer flood on a 404": (request("/nothing"), repeated(b"a:b\r\n")),
    "trailer flood on a 401": (request("/v2/live"), repeated(b"a:b\r\n")),
    "trailer flood, long lines": (request("/nothing"), numbered("X-{}: " + "x" * 1000 + "\r\n")),
    "trailer flood, one endless line": (request("/nothing") + b"X: ", repeated(b"x")),
    "chunk extension without an end": (
        request("/nothing").removesuffix(b"0\r\n") + b"1;a=",
        repeated(b"x"),
    ),
    "chunks without an end on a 404": (
        request("/nothing").removesuffix(b"0\r\n"),
        repeated(b"1\r\nx\r\n"),
    ),
    "chunks without an end on a 401": (
        request("/v2/live").removesuffix(b"0\r\n"),
        repeated(b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    ),
}


OFTEN = ("trailer flood on a 404", "chunks without an end on a 404")


@pytest.mark.parametrize("name", some(FLOODS, *OFTEN))
async def test_what_follows_a_body_is_bounded(attacked: ServerProcess, name: str) -> None:
    begin, more = FLOODS[name]
    async with measured(attacked, name) as attack:
        stranger = await come(attack.address)
        attack.ours = {stranger.port}
        await stranger.send(begin)
        sent = await flood(attack, stranger, more, SECONDS)
        attack.row.left = await attack.left_behind()
        attack.row.note = f"{sent >> 20} MiB sent, {stranger.answer[:12].decode()!r}"
        stranger.drop()
    check(attack.row)


async def test_a_trailer_line_that_trickles_costs_no_time(attacked: ServerProcess) -> None:
    async with measured(attacked, "trailer line of 30 MiB, then 30 bytes a second") as attack:
        strangers = [await come(attack.address) for _ in range(2)]
        attack.ours = {stranger.port for stranger in strangers}
        for stranger in strangers:
            await stranger.send(request("/nothing") + b"X: ")
        await asyncio.gather(
            *(flood(attack, s, repeated(b"x"), SECONDS, most=30 * MEBIBYTE) for s in strangers)
        )
        for _ in range(round(SECONDS * 30)):
            for stranger in strangers:
                await stranger.send(b"x")
            await asyncio.sleep(1 / 30)
        attack.row.left = await attack.left_behind()
        for stranger in strangers:
            stranger.drop()
    check(attack.row)
