"""Peers that ask and take nothing."""

import asyncio

from abuse.attacker import Stranger, come
from abuse.measure import Attack, check, measured
from abuse.rounds import takes_time
from integration.server_process import KEY, ServerProcess
from integration.wire import Api

READERS = 20
SESSIONS = 30
WINDOW = 4096
PATIENCE = 30.0
"""Seconds for which a reader may take nothing."""


async def readers(attack: Attack, request: bytes) -> list[Stranger]:
    """Connections that ask and do not read."""
    found = [await come(attack.address, reads=False, window=WINDOW) for _ in range(READERS)]
    for stranger in found:
        await stranger.send(request)
    attack.ours = {stranger.port for stranger in found}
    return found


@takes_time
async def test_a_reader_that_takes_nothing_is_cut(attacked: ServerProcess) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with measured(attacked, f"{READERS} readers of a document that take nothing") as attack:
        strangers = await readers(attack, request)
        await asyncio.sleep(PATIENCE + 6)
        attack.row.left = attack.left
        for stranger in strangers:
            stranger.drop()
    check(attack.row)


async def test_requests_in_a_row_without_reading(attacked: ServerProcess) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50
    async with measured(attacked, f"{READERS} readers of 50 documents each") as attack:
        strangers = await readers(attack, request)
        await asyncio.sleep(2)
        for stranger in strangers:
            stranger.drop()
    check(attack.row)


async def fat_sessions(api: Api) -> int:
    """Sessions with as many options as the server takes; gives the bytes of each."""
    for words in (30_000, 3_000, 1_000, 500, 100):
        vocabulary = [f"word {number:06} and more of it" for number in range(words)]
        config = {"custom_vocabulary": True, "custom_vocabulary_config": {"vocabulary": vocabulary}}
        body = {"realtime_processing": config}
        if (await api.call("POST", "/v2/live", body)).status_code == 201:
            for _ in range(SESSIONS - 1):
                assert (await api.call("POST", "/v2/live", body)).status_code == 201
            return words * 27
    return 0


async def test_lists_of_fat_sessions_for_slow_readers(attacked: ServerProcess, api: Api) -> None:
    size = await fat_sessions(api)
    request = (
        f"GET /v2/live?limit=100 HTTP/1.1\r\nHost: localhost\r\nx-gladia-key: {KEY}\r\n\r\n"
    ).encode()
    async with measured(attacked, f"{READERS} slow readers of a fat list") as attack:
        strangers = await readers(attack, request)
        for _ in range(60):
            await asyncio.sleep(0.1)
            if attack.stop.is_set():
                break
        for stranger in strangers:
            stranger.drop()
    attack.row.note = f"{SESSIONS} sessions of {size >> 10} KiB"
    check(attack.row)
