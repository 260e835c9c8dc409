"""``kill -9`` of the server at arbitrary instants, under clients that come back."""

import asyncio
import random

import pytest

from faults.callers import Passage, official, own
from faults.conftest import Ledger
from faults.rounds import Caller, begun, calls
from integration.server_process import ServerProcess

AT_ONCE = 20
"""Sessions that share a kill."""

KILLS = 2


@pytest.mark.parametrize("caller", [official, own], ids=["official-sdk", "own-client"])
async def test_f001_no_byte_and_no_word_is_lost_when_the_server_is_killed(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    caller: Caller,
) -> None:
    with ledger.fault(f"kill -9 at random, {caller.__name__} client") as row:
        while row.interrupted < count // 2:
            async with calls(scripted, passages, dice, AT_ONCE, [caller]) as going:
                row.sessions += AT_ONCE
                await begun(going)
                for _ in range(KILLS):
                    await asyncio.sleep(dice.uniform(0, 0.6))
                    seconds = await going.kill_and_start(row)
                    row.notes[:] = [f"back in {seconds:.1f} s"]
                await going.prove()
