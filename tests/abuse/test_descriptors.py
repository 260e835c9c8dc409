"""Strangers who take every descriptor that the server gives away."""

import asyncio
import time
from contextlib import suppress

import pytest

from abuse.attacker import Stranger, come
from abuse.conftest import StartServer
from abuse.measure import Attack, check, measured
from abuse.process import descriptors
from abuse.rounds import SECONDS, some
from integration.server_process import ServerProcess
from integration.wire import Api, session
from websocket_suite.raw_frames import handshake

LIMIT = 256
STRANGERS = 400
IN_TIME = 15.0
"""Seconds after the end of the strangers within which a new client has to be in."""

HOLDING = {
    "silent connections": b"",
    "requests that never end": b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ",
    "blank lines behind an answer": b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n",
}


@pytest.fixture(scope="module")
def small(start_server: StartServer) -> ServerProcess:
    """A server that may open little."""
    return start_server(descriptors=LIMIT)


@pytest.mark.parametrize("name", some(HOLDING, "silent connections"))
async def test_sessions_go_on_and_new_clients_get_in_again(small: ServerProcess, name: str) -> None:
    async with measured(small, f"{LIMIT} descriptors taken by {name}") as attack:
        holding = [asyncio.create_task(hold(attack, HOLDING[name])) for _ in range(STRANGERS)]
        await asyncio.sleep(max(SECONDS, 5))
        used = descriptors(small.pid)
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)
        ended = time.monotonic()
        waited = await new_client(small, ended)
    row = attack.row
    row.note = f"{used} descriptors used, new client in after {waited:.1f} s"
    if waited > IN_TIME:
        row.faults.append("a new client did not get in")
    check(row, most_growth=64)


HANGING = handshake(request_line=f"GET /{'f' * 9000} HTTP/1.1")


async def test_strangers_who_leave_their_connections_behind_are_got_rid_of(
    small: ServerProcess,
) -> None:
    name = f"{LIMIT} descriptors taken by hanging upgrades, left behind"
    async with measured(small, name) as attack:
        strangers = [await come(attack.address) for _ in range(STRANGERS)]
        for stranger in strangers:
            await stranger.send(HANGING)
        await asyncio.sleep(2)
        waited = await new_client(small, time.monotonic())
        for stranger in strangers:
            stranger.drop()
    row = attack.row
    row.note = f"new client in after {waited:.1f} s"
    if waited > IN_TIME:
        row.faults.append("a new client did not get in")
    check(row, most_growth=64)


async def hold(attack: Attack, data: bytes) -> None:
    """Take a connection, keep it, and take another once it is lost."""
    stranger: Stranger | None = None
    try:
        while True:
            with suppress(OSError):
                stranger = await come(attack.address)
                await stranger.send(data)
                await stranger.closed.wait()
                stranger.drop()
            await asyncio.sleep(0.1)
    finally:
        if stranger is not None:
            stranger.drop()


async def new_client(server: ServerProcess, since: float) -> float:
    """Seconds until a client of a key is in and acknowledged."""
    api = Api(server.url)
    while (waited := time.monotonic() - since) <= IN_TIME:
        with suppress(Exception):
            async with asyncio.timeout(5), session(api) as (_, talking):
                await talking.send([bytes(3200)])
                await talking.acknowledged(3200)
                return time.monotonic() - since
        await asyncio.sleep(0.2)
    return waited
