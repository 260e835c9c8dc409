"""Many calls at once, broken together, and the proof over every one of them."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from faults.callers import CALLERS, Call, Passage
from faults.ledger import Row
from faults.seeds import LEAST
from history import Violation
from integration.server_process import ServerProcess
from integration.wire import Api

PAUSES = (0.01, 0.03)
SPREAD = 0.5
"""Seconds over which calls begin."""

MOST_TOGETHER = 25
"""Sessions that share a break, unless a test wants otherwise."""

Caller = Callable[[Call, str], Awaitable[None]]


class Round:
    """Calls that go on side by side."""

    def __init__(self, server: ServerProcess, calls: Sequence[Call]) -> None:
        self.server = server
        self.calls = calls
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def over(self) -> bool:
        """Whether every caller has hung up."""
        return all(task.done() for task in self.tasks)

    def interrupt(self, row: Row) -> None:
        """Count the calls that a break hits now: those that have spoken and are not over."""
        for call in self.calls:
            if call.history.audio and not call.over:
                row.breaks += 1
                row.interrupted += not call.hit
                call.hit = True

    async def kill_and_start(self, row: Row) -> float:
        """Kill the server and start it again; gives the seconds until it accepts."""
        self.interrupt(row)
        begun = time.monotonic()
        await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.start)
        return time.monotonic() - begun

    async def start_once_dead(self, row: Row) -> None:
        """Wait until something has killed the server, and start it again.

        Where that does not happen before the calls are over, it is killed; nothing is counted.
        """
        while self.server.alive and not self.over:  # noqa: ASYNC110  a process apart
            await asyncio.sleep(0.02)
        if self.server.alive:
            await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.wait)
        self.interrupt(row)
        await asyncio.to_thread(self.server.start)

    async def prove(self) -> None:
        """Prove every call's history against what the server keeps.

        Raises:
            Violation: a promise was broken; the text has all that were.
        """
        ends = await asyncio.gather(*self.tasks, return_exceptions=True)
        api = Api(self.server.url)
        broken: list[str] = []
        for number, (call, end) in enumerate(zip(self.calls, ends, strict=True)):
            if wrong := [str(end) or repr(end)] if end else await self._wrong(api, call):
                kept = self.server.data.with_name(f"history-{number}.jsonl")
                call.history.write(kept)
                broken += [f"call {number}, session {call.session_id} ({kept}):", *wrong]
        if broken:
            raise Violation("\n".join(broken))

    async def _wrong(self, api: Api, call: Call) -> list[str]:
        """What is wrong with one call, in words."""
        try:
            job = await api.done(call.session_id)
            recording = await api.recording(call.session_id)
            call.history.check(job, recording, call.passage.finals, call.passage.result)
        except (Violation, TimeoutError) as wrong:
            return [str(wrong) or "the session was never done"]
        return []


@asynccontextmanager
async def calls(
    server: ServerProcess,
    passages: Sequence[Passage],
    dice: random.Random,
    count: int,
    callers: Sequence[Caller] = CALLERS,
    *,
    url: str = "",
    held: bool = False,
) -> AsyncIterator[Round]:
    """Calls that go on while the block runs; none is left behind after it.

    Those that are ``held`` say no more than their beginning until all have ``begun``.
    """
    made = [Call(dice.choice(passages), dice.uniform(*PAUSES)) for _ in range(count)]
    going = Round(server, made)
    for number, call in enumerate(made):
        if not held:
            call.go_on.set()
        talk = _late(
            dice.uniform(0, SPREAD), callers[number % len(callers)], call, url or server.url
        )
        going.tasks.append(asyncio.create_task(talk, name=f"call {number}"))
    try:
        yield going
    finally:
        for call in made:
            call.go_on.set()
        for task in going.tasks:
            task.cancel()
        await asyncio.gather(*going.tasks, return_exceptions=True)


async def _late(delay: float, caller: Caller, call: Call, url: str) -> None:
    await asyncio.sleep(delay)
    await caller(call, url)


async def begun(going: Round) -> None:
    """Wait until every call has been acknowledged something; those that were held go on."""
    while not all(call.history.acknowledged or call.over for call in going.calls):  # noqa: ASYNC110  events are the clients'
        await asyncio.sleep(0.02)
    for call in going.calls:
        call.go_on.set()


Strike = Callable[[Round, Row], Awaitable[None]]
"""Breaks something under the calls of a round, and sees to it that they can go on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Rounds of calls that are broken until so many sessions were interrupted.

    Attributes:
        wanted: sessions to interrupt in all.
        together: sessions that share a break.
        held: whether callers wait for each other after their beginnings, and are quiet meanwhile.
    """

    server: ServerProcess
    passages: Sequence[Passage]
    dice: random.Random
    wanted: int
    callers: Sequence[Caller] = CALLERS
    together: int = MOST_TOGETHER
    held: bool = True

    async def carry_out(self, row: Row, strike: Strike) -> None:
        """Run the rounds, and prove each.

        Raises:
            Violation: a promise was broken.
        """
        goal = row.interrupted + self.wanted
        rounds_left = 4 * (1 + self.wanted // self.together)
        while row.interrupted < goal:
            assert rounds_left, f"{row.kind}: too few calls were under way when it struck"
            rounds_left -= 1
            size = min(self.together, max(goal - row.interrupted, LEAST))
            async with calls(
                self.server, self.passages, self.dice, size, self.callers, held=self.held
            ) as going:
                row.sessions += size
                await begun(going)
                await strike(going, row)
                await going.prove()
            row.progress(goal)
