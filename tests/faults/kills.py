"""Ways to kill a server under calls, and to start it again."""

import asyncio
import random
from collections.abc import Sequence

from faults import strace
from faults.ledger import Row
from faults.rounds import Round, Strike

MOMENT = 0.6
"""Seconds within which a kill at random strikes: about as long as a call speaks."""

START = 1.2
"""Seconds that the start of a server takes, more or less; recovery goes on behind it."""


def at_random(dice: random.Random, times: int = 2) -> Strike:
    """Kill at any instant while calls speak, several times in a round."""

    async def strike(going: Round, row: Row) -> None:
        for _ in range(times):
            await asyncio.sleep(dice.uniform(0, MOMENT))
            await going.kill_and_start(row)

    return strike


def within(dice: random.Random, call: str, most: int = 60) -> Strike:
    """Kill as the server enters a system call for the n-th time, n at random."""

    async def strike(going: Round, row: Row) -> None:
        fault = f"signal=KILL:when={dice.randint(1, most)}"
        with strace.injected(going.server.pid, call, fault):
            await going.start_once_dead(row)

    return strike


def again_soon(dice: random.Random, times: int = 3) -> Strike:
    """Kill a server that has just come back, before and after its clients have."""

    async def strike(going: Round, row: Row) -> None:
        for _ in range(times):
            await going.kill_and_start(row)
            await asyncio.sleep(dice.uniform(0, MOMENT / 2))

    return strike


def while_starting(dice: random.Random, times: int = 3) -> Strike:
    """Kill it, and kill it again at any instant of its start and recovery."""

    async def strike(going: Round, row: Row) -> None:
        going.interrupt(row)
        server = going.server
        await asyncio.to_thread(server.kill)
        for _ in range(times):
            server.launch()
            await asyncio.sleep(dice.uniform(0, START))
            await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    return strike


def while_recovering(dice: random.Random, choices: Sequence[str], most: int = 12) -> Strike:
    """Kill it, and again within a system call of its recovery."""

    async def strike(going: Round, row: Row) -> None:
        going.interrupt(row)
        server = going.server
        await asyncio.to_thread(server.kill)
        server.launch()
        fault = f"signal=KILL:when={dice.randint(1, most)}"
        with strace.injected(server.pid, dice.choice(choices), fault):
            await going.start_once_dead(row)

    return strike
