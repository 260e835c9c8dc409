"""Many calls at once, broken together, and the proof over every one of them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from faults.callers import CALLERS, Call, Passage
from faults.conftest import Row
from history import Violation
from integration.server_process import ServerProcess
from integration.wire import Api

PAUSES = (0.01, 0.03)
SPREAD = 0.5
"""Seconds over which calls begin."""

Caller = Callable[[Call, str], Awaitable[None]]


class Round:
    """Calls that go on side by side."""

    def __init__(self, server: ServerProcess, calls: Sequence[Call]) -> None:
        self.server = server
        self.calls = calls
        self.tasks: list[asyncio.Task[None]] = []

    def interrupt(self, row: Row) -> None:
        """Count the calls that a break hits now: those that have spoken and are not over."""
        row.interrupted += sum(bool(call.history.audio) and not call.over for call in self.calls)

    async def kill_and_start(self, row: Row) -> float:
        """Kill the server and start it again; gives the seconds until it accepts."""
        self.interrupt(row)
        begun = time.monotonic()
        await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.start)
        return time.monotonic() - begun

    async def start_once_dead(self, row: Row) -> None:
        """Wait until something has killed the server, and start it again."""
        await asyncio.to_thread(self.server.wait)
        self.interrupt(row)
        await asyncio.to_thread(self.server.start)

    async def prove(self) -> None:
        """Prove every call's history against what the server keeps.

        Raises:
            Violation: a promise was broken; the text has all that were.
        """
        await asyncio.gather(*self.tasks)
        api = Api(self.server.url)
        broken: list[str] = []
        for number, call in enumerate(self.calls):
            try:
                job = await api.done(call.session_id)
                recording = await api.recording(call.session_id)
                call.history.check(job, recording, call.passage.finals)
            except Violation as violation:
                kept = self.server.data.with_name(f"history-{number}.jsonl")
                call.history.write(kept)
                broken.append(f"call {number} ({kept}):\n{violation}")
        if broken:
            raise Violation("\n".join(broken))


@asynccontextmanager
async def calls(
    server: ServerProcess,
    passages: Sequence[Passage],
    dice: random.Random,
    count: int,
    callers: Sequence[Caller] = CALLERS,
    *,
    url: str = "",
) -> AsyncIterator[Round]:
    """Calls that have begun when the block is entered; none is left behind after it."""
    made = [Call(dice.choice(passages), dice.uniform(*PAUSES)) for _ in range(count)]
    going = Round(server, made)
    for number, call in enumerate(made):
        talk = _late(
            dice.uniform(0, SPREAD), callers[number % len(callers)], call, url or server.url
        )
        going.tasks.append(asyncio.create_task(talk, name=f"call {number}"))
    try:
        yield going
    finally:
        for task in going.tasks:
            task.cancel()
        await asyncio.gather(*going.tasks, return_exceptions=True)


async def _late(delay: float, caller: Caller, call: Call, url: str) -> None:
    await asyncio.sleep(delay)
    await caller(call, url)


async def begun(going: Round) -> None:
    """Wait until every call has been acknowledged something."""
    while not all(call.history.acknowledged or call.over for call in going.calls):  # noqa: ASYNC110  events are the clients'
        await asyncio.sleep(0.02)
