"""Texts that say nothing in many bytes."""

import asyncio
import json
from collections.abc import Callable

import pytest

from abuse.attacker import plain, token_holder
from abuse.measure import MOST_GROWTH, Attack, check, measured
from abuse.rounds import some, takes_time
from integration.server_process import ServerProcess
from integration.wire import Api
from websocket_suite.raw_frames import TEXT

MEBIBYTE = 1 << 20
FRAME = 32
"""MiB of the longest frame."""


def lists(size: int) -> bytes:
    """A text full of empty lists."""
    begin, end = b'{"type":"x","a":[[]', b"]}"
    return begin + b",[]" * ((size - len(begin) - len(end)) // 3) + end


def keys(size: int) -> bytes:
    """A text full of keys."""
    found = bytearray(b'{"type":"x"')
    number = 0
    while len(found) < size - 20:
        found += b',"%x":1' % number
        number += 1
    return bytes(found + b"}")


def late_type(size: int) -> bytes:
    """One whose type comes last."""
    return b'{"a":[' + b"0," * ((size - 30) // 2) + b'0],"type":"x"}'


def deep(size: int) -> bytes:
    """One of many levels."""
    return b'{"type":"x","a":' + b"[" * (size // 2 - 20) + b"]" * (size // 2 - 20) + b"}"


def chunk_with_more(size: int) -> bytes:
    """An audio chunk with a field that is not known."""
    begin = b'{"type":"audio_chunk","data":{"chunk":"AAAA","x":['
    return begin + b"{}," * ((size - 60) // 3) + b"{}]}}"


def broken(size: int) -> bytes:
    """An audio chunk that is broken off at its end."""
    return b'{"type":"audio_chunk","data":{"chunk":"' + b"A" * (size - 60)


BOMBS: dict[str, Callable[[int], bytes]] = {
    "lists": lists,
    "keys": keys,
    "type at the end": late_type,
    "levels": deep,
    "audio chunk with lists": chunk_with_more,
    "audio chunk broken off": broken,
}


async def explode(attack: Attack, urls: list[str], data: bytes) -> None:
    """Send a text on every connection and wait for what is said to it."""
    strangers = [await token_holder(attack, url) for url in urls]
    sent = plain(TEXT, data)

    async def send(one: int) -> None:
        stranger = strangers[one]
        before = len(stranger.answer)
        if await stranger.send(sent):
            async with asyncio.timeout(30):
                while len(stranger.answer) == before and not stranger.closed.is_set():  # noqa: ASYNC110  read apart
                    await asyncio.sleep(0.01)

    await asyncio.gather(*(send(one) for one in range(len(strangers))))
    await asyncio.sleep(0.3)
    for stranger in strangers:
        stranger.drop()


@pytest.mark.parametrize("name", some(BOMBS, "lists", "keys"))
@pytest.mark.parametrize("count", [1, 5])
async def test_a_text_of_32_mib(attacked: ServerProcess, api: Api, name: str, count: int) -> None:
    data = await asyncio.to_thread(BOMBS[name], (FRAME - 1) * MEBIBYTE)
    made = [await api.create() for _ in range(count)]
    async with measured(attacked, f"{count} x 32 MiB of JSON, {name}") as attack:
        await explode(attack, [one.url for one in made], data)
    # Audio has to be there before it can be read: what counts is what is more than that.
    audio = (count + 1) * FRAME if BOMBS[name] is broken else 0
    if audio:
        attack.row.note = f"up to {audio} MiB of audio included"
    check(attack.row, most_growth=MOST_GROWTH + audio)


@takes_time
@pytest.mark.parametrize("name", ["lists", "keys"])
async def test_many_texts_of_60_kib(attacked: ServerProcess, api: Api, name: str) -> None:
    data = BOMBS[name](60_000)
    assert json.loads(data)["type"] == "x"
    made = await api.create()
    async with measured(attacked, f"300 x 60 kB of JSON, {name}") as attack:
        stranger = await token_holder(attack, made.url)
        for _ in range(300):
            if not await stranger.send(plain(TEXT, data)):
                break
        await asyncio.sleep(1)
        stranger.drop()
    check(attack.row)
