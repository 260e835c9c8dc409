"""Restarts with many sessions: an orderly end, everybody back at once, many open sessions."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence

import pytest

from faults.callers import CALLERS, Passage, official, own
from faults.conftest import COUNT, Ledger
from faults.ledger import Row
from faults.rounds import Caller, Plan, Round, begun, calls
from faults.seeds import some, takes_time
from faults.test_ending import Ending
from history import Event
from integration.server_process import ServerProcess
from integration.wire import Api, line

LIVE = 30
RESTARTING = 1012


async def test_f004_an_orderly_end_under_live_sessions_loses_none_of_them(
    scripted: ServerProcess, passages: list[Passage], dice: random.Random, ledger: Ledger
) -> None:
    with ledger.fault("SIGTERM with live sessions") as row:
        async with calls(scripted, passages, dice, LIVE) as going:
            row.sessions += LIVE
            await begun(going)
            async with line((await Api(scripted.url).create()).url) as witness:
                going.interrupt(row)
                begin = time.monotonic()
                assert await asyncio.to_thread(scripted.terminate) == 0
                row.notes.append(f"ended in {time.monotonic() - begin:.1f} s")
                await witness.rest()
            assert witness.close_code == RESTARTING
            await asyncio.to_thread(scripted.start)
            await going.prove()


@pytest.mark.share(2)
async def test_f005_a_second_sigterm_hurries_the_end_and_loses_nothing(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    async def strike(going: Round, row: Row) -> None:
        going.interrupt(row)
        os.kill(scripted.pid, signal.SIGTERM)
        await asyncio.sleep(dice.uniform(0, 0.1))
        if scripted.alive:
            os.kill(scripted.pid, signal.SIGTERM)
        await asyncio.to_thread(scripted.wait)
        await asyncio.to_thread(scripted.start)

    with ledger.fault("SIGTERM twice") as row:
        await Plan(scripted, passages, dice, count).carry_out(row, strike)


@takes_time
@pytest.mark.share(2)
async def test_f007_our_client_outlasts_a_restart_that_takes_long(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    async def strike(going: Round, row: Row) -> None:
        going.interrupt(row)
        await asyncio.to_thread(scripted.kill)
        await asyncio.sleep(dice.uniform(5, 10))
        await asyncio.to_thread(scripted.start)

    with ledger.fault("down for 5 to 10 s, own client") as row:
        await Plan(scripted, passages, dice, count, [own]).carry_out(row, strike)


@pytest.mark.parametrize("caller", some(CALLERS, official))
async def test_f035_everybody_comes_back_at_once_after_a_restart(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    ledger: Ledger,
    caller: Caller,
) -> None:
    together = min(max(COUNT // 5, 20), 200)
    with ledger.fault(f"restart under {together} at once, {caller.__name__}") as row:
        async with calls(scripted, passages, dice, together, [caller]) as going:
            row.sessions += together
            await begun(going)
            seconds = await going.kill_and_start(row)
            started = time.monotonic()
            await going.prove()
        back = [first_word_after(call.history.events, started) for call in going.calls]
        last = max(back, default=0.0)
        row.notes.append(f"accepting in {seconds:.1f} s, last heard again after {last:.1f} s")


def first_word_after(events: Sequence[Event], instant: float) -> float:
    """Seconds from an instant to the first message after it; 0 where there was none."""
    return next((e.at - instant for e in events if e.kind == "heard" and e.at > instant), 0.0)


async def test_f001_a_server_with_many_open_sessions_answers_soon_after_a_kill(
    scripted: ServerProcess, passages: list[Passage], dice: random.Random, ledger: Ledger
) -> None:
    many = min(max(COUNT // 5, 20), 200)
    api = Api(scripted.url)
    await asyncio.to_thread(scripted.kill)
    begin = time.monotonic()
    await asyncio.to_thread(scripted.start)
    alone = time.monotonic() - begin
    with ledger.fault(f"restart with {many} open sessions") as row:
        opened: list[Ending] = []
        for _ in range(many // 10):
            ten = (Ending.begin(api, dice.choice(passages)) for _ in range(10))
            opened += await asyncio.gather(*ten)
        row.sessions = row.interrupted = row.breaks = len(opened)
        await asyncio.to_thread(scripted.kill)
        begin = time.monotonic()
        await asyncio.to_thread(scripted.start)
        seconds = time.monotonic() - begin
        row.notes.append(f"accepting in {seconds:.2f} s, with none in {alone:.2f} s")
        for at in range(0, len(opened), 20):
            some = opened[at : at + 20]
            await asyncio.gather(*(one.stop_and_listen() for one in some))
            await asyncio.gather(*(one.prove(api) for one in some))
