"""One token that fills the queue of handshakes: new clients get their share."""

import asyncio
import time

import pytest

from abuse.attacker import come, upgrade
from abuse.measure import Attack, check, measured
from abuse.rounds import some
from integration.server_process import ServerProcess
from integration.wire import Api

CLIENTS = 6
IN_TIME = 5.0
"""Seconds that a new client waits for its handshake."""


@pytest.mark.parametrize("sockets", some((20, 250), 250))
async def test_new_clients_get_in_while_one_token_repeats_its_handshake(
    attacked: ServerProcess, api: Api, sockets: int
) -> None:
    made = await api.create()
    name = f"handshakes of one token on {sockets} sockets"
    async with measured(attacked, name) as attack:
        knocking = [asyncio.create_task(knock(attack, made.url)) for _ in range(sockets)]
        await asyncio.sleep(1)
        waited = [await enter(attack, api) for _ in range(CLIENTS)]
        for task in knocking:
            task.cancel()
        await asyncio.gather(*knocking, return_exceptions=True)
    row = attack.row
    inside = [seconds for seconds in waited if seconds is not None]
    longest = max(inside, default=0)
    row.note = f"{len(inside)} of {CLIENTS} new clients in, {longest:.1f} s at the most"
    if len(inside) < CLIENTS:
        row.faults.append(f"{CLIENTS - len(inside)} new clients shut out")
    check(row, most_growth=64)


async def knock(attack: Attack, url: str) -> None:
    """Shake hands again and again."""
    while True:
        try:
            stranger = await come(attack.address)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        try:
            await stranger.send(upgrade(url))
            await stranger.answered()
        except TimeoutError:
            pass
        finally:
            stranger.drop()
        await asyncio.sleep(0)


async def enter(attack: Attack, api: Api) -> float | None:
    """A new client's way in; seconds, or None where it was shut out."""
    begun = time.monotonic()
    made = await api.create()
    stranger = await come(attack.address)
    try:
        await stranger.send(upgrade(made.url))
        answer = await stranger.answered(seconds=IN_TIME + 2)
    except TimeoutError:
        return None
    finally:
        stranger.drop()
    return time.monotonic() - begun if answer.startswith(b"HTTP/1.1 101") else None
