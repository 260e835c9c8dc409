"""Connections that break within a frame: what they held is free at once."""

import asyncio

from abuse.attacker import plain, token_holder
from abuse.measure import MOST_GROWTH, measured
from abuse.process import MEBIBYTE, memory
from integration.server_process import ServerProcess
from integration.wire import Api
from websocket_suite.raw_frames import BINARY

TIMES = 8
SOON = 2.0
"""Seconds within which memory has to be free; an idle server collects no garbage in minutes."""


async def test_dropped_halves_of_frames_are_freed_at_once(
    attacked: ServerProcess, api: Api
) -> None:
    data = plain(BINARY, bytes(32 * MEBIBYTE))[:-1]
    async with measured(attacked, f"{TIMES} dropped halves of 32 MiB") as attack:
        for _ in range(TIMES):
            if attack.stop.is_set():
                break
            made = await api.create()
            stranger = await token_holder(attack, made.url)
            await stranger.send(data)
            await asyncio.sleep(0.2)
            stranger.drop()
        await asyncio.sleep(SOON)
        kept = (memory(attacked.pid) - attack.base) / MEBIBYTE
    row = attack.row
    row.note = f"{kept:.0f} MiB kept"
    if kept > MOST_GROWTH:
        row.faults.append(f"{kept:.0f} MiB kept {SOON:.0f} s later")
    assert not row.faults, row.faults


async def test_halves_that_stay_are_bounded_by_their_frames(
    attacked: ServerProcess, api: Api
) -> None:
    data = plain(BINARY, bytes(32 * MEBIBYTE))[:-1]
    async with measured(attacked, "one half of 32 MiB that stays") as attack:
        made = await api.create()
        stranger = await token_holder(attack, made.url)
        await stranger.send(data)
        await asyncio.sleep(1)
        stranger.drop()
        await asyncio.sleep(SOON)
    row = attack.row
    if row.growth > 2.5 * 32:
        row.faults.append(f"{row.growth:.0f} MiB for a frame of 32")
    assert not row.faults, row.faults
