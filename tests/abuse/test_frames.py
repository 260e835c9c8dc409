"""Floods of WebSocket frames by the holder of a token: only its own session may suffer."""

import asyncio
import re

import pytest

from abuse.attacker import Stranger, come, flood, plain, repeated, token_holder, upgrade
from abuse.measure import check, measured
from abuse.rounds import SECONDS, some, takes_time
from integration.server_process import ServerProcess
from integration.wire import Api
from websocket_suite.raw_frames import BINARY, CONT, PING, PONG, TEXT

RATE = 1.5 * (1 << 20)
"""Bytes a second: slow enough for any line, 260,000 empty frames."""

FLOODS = {
    "empty pings": (b"", plain(PING, b"")),
    "empty pongs": (b"", plain(PONG, b"")),
    "empty continuations": (plain(BINARY, b"", fin=False), plain(CONT, b"", fin=False)),
    "empty continuations of a text": (plain(TEXT, b"", fin=False), plain(CONT, b"", fin=False)),
    "empty binary messages": (b"", plain(BINARY, b"")),
    "empty texts": (b"", plain(TEXT, b"")),
    "pings between continuations": (
        plain(BINARY, b"", fin=False),
        plain(CONT, b"", fin=False) + plain(PING, b""),
    ),
    "one-byte binary messages": (b"", plain(BINARY, b"x")),
    "texts of a space": (b"", plain(TEXT, b" ")),
}


OFTEN = ("empty pings", "empty pongs", "empty continuations", "empty texts")


@pytest.mark.parametrize("name", some(FLOODS, *OFTEN))
async def test_a_flood_of_frames(attacked: ServerProcess, api: Api, name: str) -> None:
    begin, frame = FLOODS[name]
    made = await api.create()
    async with measured(attacked, f"flood of {name}") as attack:
        stranger = await token_holder(attack, made.url)
        await stranger.send(begin)
        sent = await flood(attack, stranger, repeated(frame, 16384), SECONDS, rate=RATE)
        attack.row.note = f"{sent / SECONDS / 1024:.0f} KiB/s"
        stranger.drop()
    check(attack.row)


async def test_pings_whose_pongs_are_not_read(attacked: ServerProcess, api: Api) -> None:
    made = await api.create()
    async with measured(attacked, "pings whose pongs are not read") as attack:
        stranger = await token_holder(attack, made.url, reads=False)
        pings = repeated(plain(PING, b"p" * 100))
        sent = await flood(attack, stranger, pings, SECONDS, most=1 << 30)
        attack.row.note = f"{sent >> 20} MiB sent"
        stranger.drop()
    check(attack.row)


async def test_a_flood_behind_a_close(attacked: ServerProcess, api: Api) -> None:
    made = await api.create()
    async with measured(attacked, "flood behind close 4400") as attack:
        stranger = await token_holder(attack, made.url)
        await stranger.send(plain(TEXT, b"nonsense") * 150)
        await closed_with(stranger, b"\x11\x30")
        flooding = repeated(plain(TEXT, b""), 16384)
        sent = await flood(attack, stranger, flooding, SECONDS, rate=RATE)
        attack.row.note = f"{sent / SECONDS / 1024:.0f} KiB/s"
        stranger.drop()
    check(attack.row)


async def closed_with(stranger: Stranger, code: bytes) -> None:
    """Wait until the server has sent a close frame with a code."""
    async with asyncio.timeout(10):
        while not closes(stranger.answer, code) and not stranger.closed.is_set():  # noqa: ASYNC110  read apart
            await asyncio.sleep(0.01)


def closes(answer: bytes | bytearray, code: bytes) -> bool:
    """Whether there is a close frame with a code, and a reason of any length."""
    return re.search(rb"\x88[\x02-\x7d]" + re.escape(code), answer, re.DOTALL) is not None


@takes_time
async def test_many_token_holders_at_once(attacked: ServerProcess, api: Api) -> None:
    made = [await api.create() for _ in range(8)]
    async with measured(attacked, "empty pings from 8 token holders") as attack:
        strangers = [await token_holder(attack, one.url) for one in made]
        pings = repeated(plain(PING, b""), 16384)
        await asyncio.gather(
            *(flood(attack, stranger, pings, SECONDS, rate=RATE / 8) for stranger in strangers)
        )
        for stranger in strangers:
            stranger.drop()
    check(attack.row)


@takes_time
async def test_frames_before_the_handshake_is_answered(attacked: ServerProcess) -> None:
    async with measured(attacked, "frames behind a refused handshake") as attack:
        stranger = await come(attack.address)
        attack.ours = {stranger.port}
        url = f"{attacked.url}/v2/live?token=wrong"
        await stranger.send(upgrade(url))
        await flood(attack, stranger, repeated(plain(PING, b""), 16384), SECONDS, rate=RATE)
        attack.row.left = await attack.left_behind()
        stranger.drop()
    check(attack.row)
