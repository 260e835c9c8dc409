"""Restarts with many sessions: an orderly end, everybody back at once, many open sessions."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence

import pytest

from faults.callers import Passage, official, own
from faults.conftest import COUNT, Ledger
from faults.rounds import Caller, begun, calls
from history import Event, History
from integration.server_process import ServerProcess
from integration.wire import Api, Session, line, proved

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


async def test_f005_a_second_sigterm_hurries_the_end_and_loses_nothing(
    scripted: ServerProcess, passages: list[Passage], dice: random.Random, ledger: Ledger
) -> None:
    with ledger.fault("SIGTERM twice") as row:
        async with calls(scripted, passages, dice, 10) as going:
            row.sessions += 10
            await begun(going)
            going.interrupt(row)
            os.kill(scripted.pid, signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert await asyncio.to_thread(scripted.terminate) == 0
            await asyncio.to_thread(scripted.start)
            await going.prove()


@pytest.mark.parametrize("caller", [official, own], ids=["official-sdk", "own-client"])
async def test_f035_everybody_comes_back_at_once_after_a_restart(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    ledger: Ledger,
    caller: Caller,
) -> None:
    together = min(max(COUNT, 30), 200)
    with ledger.fault(f"restart under {together} at once, {caller.__name__} client") as row:
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


async def open_session(api: Api, passage: Passage) -> Session:
    """A session with stored audio whose client is gone."""
    made = await api.create()
    async with line(made.url) as talking:
        await talking.send([passage.audio])
        await talking.acknowledged(len(passage.audio))
        talking.drop()
    return made


async def test_f001_a_server_with_many_open_sessions_answers_soon_after_a_kill(
    scripted: ServerProcess, passages: list[Passage], dice: random.Random, ledger: Ledger
) -> None:
    many = min(max(COUNT, 50), 300)
    api = Api(scripted.url)
    with ledger.fault(f"restart with {many} open sessions") as row:
        opened: list[tuple[Session, Passage]] = []
        for _ in range(many // 10):
            said = [dice.choice(passages) for _ in range(10)]
            ten = await asyncio.gather(*(open_session(api, passage) for passage in said))
            opened += zip(ten, said, strict=True)
        row.sessions, row.interrupted = many, many
        await asyncio.to_thread(scripted.kill)
        begin = time.monotonic()
        await asyncio.to_thread(scripted.start)
        row.notes.append(f"accepting in {time.monotonic() - begin:.1f} s")
        for made, passage in opened[-3:]:
            history = History()
            history.sent(passage.audio)
            async with line(made.url, history) as talking:
                await talking.stop()
                await talking.rest()
            await proved(api, made, history, passage.finals)
