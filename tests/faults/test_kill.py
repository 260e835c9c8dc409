"""``kill -9`` of the server: at any instant, at named system calls, and while sessions end."""

import asyncio
import contextlib
import random
from dataclasses import dataclass

import pytest
from websockets.exceptions import WebSocketException

from faults import strace
from faults.callers import Passage, official, own
from faults.conftest import Ledger
from faults.rounds import Caller, begun, calls
from history import History
from integration.server_process import ServerProcess
from integration.wire import Api, Session, line, of_type, proved

AT_ONCE = 20
"""Sessions that share a kill."""

KILLS = 2

needs_strace = pytest.mark.skipif(bool(strace.missing()), reason=str(strace.missing()))


@pytest.mark.parametrize("caller", [official, own], ids=["official-sdk", "own-client"])
async def test_f001_nothing_is_lost_when_the_server_is_killed_at_any_instant(
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
                    await going.kill_and_start(row)
                await going.prove()


@needs_strace
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "write"])
async def test_f002_nothing_is_lost_when_the_server_is_killed_within_a_write_or_sync(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    call: str,
) -> None:
    with ledger.fault(f"kill -9 in {call}") as row:
        for _ in range(max(count // 40, 1)):
            async with calls(scripted, passages, dice, AT_ONCE // 2) as going:
                row.sessions += AT_ONCE // 2
                await begun(going)
                fault = f"signal=KILL:when={dice.randint(1, 60)}"
                with strace.injected(scripted.pid, call, fault):
                    await going.start_once_dead(row)
                await going.prove()


ENDING = 12


@pytest.mark.parametrize("call", [None, "fsync", "fdatasync", "rename"])
async def test_f002_sessions_killed_while_they_end_are_finished_whether_or_not_clients_return(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    call: str | None,
) -> None:
    if call and (reason := strace.missing()):
        pytest.skip(reason)
    api = Api(scripted.url)
    with ledger.fault(f"kill -9 while sessions end, {call or 'at random'}") as row:
        for _ in range(max(count // 80, 1)):
            ending = [await Ending.begin(api, dice.choice(passages)) for _ in range(ENDING)]
            stopping = [asyncio.create_task(one.stop_and_listen()) for one in ending]
            if call:
                # Each thread counts for itself, and files are synced and renamed in several.
                most = 10 if call == "fdatasync" else 2
                fault = f"signal=KILL:when={dice.randint(1, most)}"
                with strace.injected(scripted.pid, call, fault):
                    await asyncio.gather(*stopping)
            else:
                await asyncio.sleep(dice.uniform(0, 0.2))
            await asyncio.to_thread(scripted.kill)
            await asyncio.gather(*stopping)
            row.sessions += ENDING
            row.interrupted += sum(not one.history.finished for one in ending)
            await asyncio.to_thread(scripted.start)
            # Whoever was told that the stop is noted may stay away.
            back = [one for n, one in enumerate(ending) if n % 2 or not one.stop_is_noted]
            await asyncio.gather(*(one.listen() for one in back))
            for one in ending:
                await proved(api, one.made, one.history, one.passage.finals)


@dataclass(slots=True)
class Ending:
    """A session that has said everything and is about to end."""

    made: Session
    passage: Passage
    history: History

    @classmethod
    async def begin(cls, api: Api, passage: Passage) -> "Ending":
        made = await api.create()
        history = History()
        async with line(made.url, history) as talking:
            await talking.send([passage.audio])
            await talking.acknowledged(len(passage.audio))
            talking.drop()
        return cls(made, passage, history)

    async def stop_and_listen(self) -> None:
        """Stop, and listen until the server has said everything or is dead."""
        with contextlib.suppress(OSError, WebSocketException):
            async with line(self.made.url, self.history) as talking:
                await talking.stop()
                await talking.rest()

    @property
    def stop_is_noted(self) -> bool:
        """Whether the server has acknowledged the stop."""
        return bool(of_type(self.history.messages, "stop_recording"))

    async def listen(self) -> None:
        """Come back for what is still to be told."""
        if not self.history.finished:
            await self.stop_and_listen()
