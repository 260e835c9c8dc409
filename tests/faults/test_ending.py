"""Sessions that are killed while they end, and sessions whose clients never come back."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from websockets.exceptions import WebSocketException

from faults import strace
from faults.callers import FRAME, Passage
from faults.conftest import REAL, Ledger, StartServer
from faults.ledger import Row
from faults.seeds import LEAST, some, takes_time
from history import History, Json
from integration.server_process import ServerProcess
from integration.speech import pieces
from integration.wire import Api, Session, line, of_type, proved

MOST_TOGETHER = 15

MOST_CALLS = {"fsync": 2, "rename": 2, "fdatasync": 10, "pwrite64": 20}
"""Each thread counts its calls for itself, and files are synced and renamed in several."""

ONE_ENDS = 0.01
"""Seconds that a session takes to end, more or less, where nothing disturbs it."""


@dataclass(slots=True)
class Ending:
    """A session that has said everything and is about to end."""

    made: Session
    passage: Passage
    history: History

    @classmethod
    async def begin(cls, api: Api, passage: Passage, said: int | None = None) -> "Ending":
        """Say a passage, or its first ``said`` bytes, and drop the line."""
        made = await api.create()
        history = History()
        audio = passage.audio[:said]
        async with line(made.url, history) as talking:
            await talking.send(pieces(audio, FRAME))
            await talking.acknowledged(len(audio))
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

    async def prove(self, api: Api) -> None:
        """Prove that it was finished as if nothing had happened."""
        await proved(api, self.made, self.history, self.passage.finals, self.passage.result)


async def end_under_kills(
    server: ServerProcess,
    ending: Sequence[Ending],
    dice: random.Random,
    calls: Sequence[str | None],
) -> None:
    """Stop sessions and kill the server meanwhile, within a call or at random, for each entry.

    After each kill but the last the server finishes alone what it has been told to.
    """
    stopping = [asyncio.create_task(one.stop_and_listen()) for one in ending]
    for call in calls:
        if call:
            fault = f"signal=KILL:when={dice.randint(1, MOST_CALLS[call])}"
            with strace.injected(server.pid, call, fault):
                await asyncio.wait([*stopping, asyncio.create_task(dead(server))], timeout=3)
        else:
            await asyncio.sleep(dice.uniform(0, ONE_ENDS * len(ending)))
        await asyncio.to_thread(server.kill)
        await asyncio.gather(*stopping)
        await asyncio.to_thread(server.start)


async def dead(server: ServerProcess) -> None:
    """Wait for the end of a server."""
    while server.alive:  # noqa: ASYNC110  a process apart
        await asyncio.sleep(0.02)


async def ended_under_kills(
    server: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    wanted: int,
    row: Row,
    calls: Sequence[str | None],
) -> None:
    """End so many sessions while the server is killed, and prove every one of them."""
    api = Api(server.url)
    goal = row.interrupted + wanted
    rounds_left = 4 * (1 + wanted // MOST_TOGETHER)
    while row.interrupted < goal:
        assert rounds_left, f"{row.kind}: too few sessions were ending when it struck"
        rounds_left -= 1
        size = min(MOST_TOGETHER, max(goal - row.interrupted, LEAST))
        chosen = [dice.choice(passages) for _ in range(size)]
        ending = await asyncio.gather(*(Ending.begin(api, passage) for passage in chosen))
        await end_under_kills(server, ending, dice, calls)
        row.sessions += size
        hit = sum(not one.history.finished for one in ending)
        row.interrupted += hit
        row.breaks += hit
        # Whoever was told that the stop is noted may stay away.
        back = [one for n, one in enumerate(ending) if n % 2 or not one.stop_is_noted]
        absent = (one.stop_and_listen() for one in back if not one.history.finished)
        await asyncio.gather(*absent)
        await asyncio.gather(*(one.prove(api) for one in ending))
        row.progress(goal)


def skip_without_strace(call: str | None) -> None:
    if call and (reason := strace.missing()):
        pytest.skip(reason)


@pytest.mark.share(3)
@pytest.mark.parametrize("call", some([None, *MOST_CALLS], None, "rename"))
async def test_f002_sessions_killed_while_they_end_are_finished_whether_or_not_clients_return(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    call: str | None,
) -> None:
    skip_without_strace(call)
    with ledger.fault(f"kill -9 while sessions end, {call or 'at random'}") as row:
        await ended_under_kills(scripted, passages, dice, count, row, [call])


@takes_time
@pytest.mark.share(2)
@pytest.mark.parametrize("call", [None, "rename"])
async def test_f002_sessions_killed_while_they_end_again_and_again_are_finished_once(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    call: str | None,
) -> None:
    skip_without_strace(call)
    with ledger.fault(f"kill -9 three times while sessions end, {call or 'at random'}") as row:
        await ended_under_kills(scripted, passages, dice, count, row, [call, None, call])


@takes_time
@pytest.mark.share(3)
async def test_f002_the_real_engine_hears_the_same_when_killed_while_sessions_end(
    real: ServerProcess,
    real_passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    with ledger.fault("kill -9 while sessions end, real engine") as row:
        await ended_under_kills(real, real_passages, dice, count, row, [None, None])


GRACE = {"VIVAVOCE_RESUME_GRACE": "2"}


@pytest.mark.share(2)
@pytest.mark.parametrize("engine", some(["scripted", "real"], "scripted"))
async def test_f001_sessions_whose_clients_never_come_back_are_finished_after_the_grace_time(
    start_server: StartServer,
    passages: list[Passage],
    real_passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    *,
    engine: str,
) -> None:
    said = real_passages if engine == "real" else passages
    program = {"program": REAL} if engine == "real" else {}
    server = start_server(settings=GRACE, **program)
    api = Api(server.url)
    with ledger.fault(f"clients never return after a kill, {engine} engine") as row:
        chosen = [dice.choice(said) for _ in range(count)]
        # A kill between the last word and the stop: all of a passage, or part of it, is there.
        lengths = [None if n % 2 else 2 * dice.randint(20_000, 80_000) for n in range(count)]
        pairs = zip(chosen, lengths, strict=True)
        left = await asyncio.gather(*(Ending.begin(api, *pair) for pair in pairs))
        row.sessions = row.interrupted = row.breaks = count
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        for one, length in zip(left, lengths, strict=True):
            if length is None:
                await one.prove(api)
            else:
                await proved(api, one.made, one.history)
                kept = (await api.done(one.made.id))["result"]
                assert told_so_far(kept, one.passage.finals)


def told_so_far(result: Json, finals: Sequence[Json]) -> bool:
    """Whether a result's finals are the first of some; where the audio broke off others may be."""
    found = [u["text"] for u in result["transcription"]["utterances"]]
    wanted = [data["utterance"]["text"] for data in finals]
    certain = max(len(found) - 1, 0)
    return found[:certain] == wanted[:certain]
