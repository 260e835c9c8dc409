"""Recognition processes that die, stop or starve under live sessions."""

import asyncio
import os
import random
import resource
import signal
from collections.abc import Callable

import psutil
import pytest

from faults.callers import Passage
from faults.conftest import Ledger, StartServer
from faults.ledger import Row
from faults.rounds import Plan, Round, calls
from faults.seeds import takes_time
from history import Json
from integration.server_process import START_SECONDS, ServerProcess
from integration.wire import Api, of_type, proved, spoken_through

AT_ONCE = 10
BLOWS = 2
CORES = len(os.sched_getaffinity(0))
STARVED_BYTES = 1 << 20
LEAK = 8 << 20
"""Bytes that a leaking engine keeps of each request."""

POISON = frozenset({"starve", "refuse"})
"""Words that the scripted engine hears in the passages, and that are faults where it is told so."""


def workers(server: ServerProcess) -> list[psutil.Process]:
    """The recognition processes of a server."""
    children = psutil.Process(server.pid).children(recursive=True)
    return [c for c in children if "vivavoce.recognition.worker" in " ".join(c.cmdline())]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def crash(pid: int) -> None:
    os.kill(pid, signal.SIGSEGV)


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def starve(pid: int) -> None:
    """Leave it no memory to take: its next allocation of any size fails."""
    resource.prlimit(pid, resource.RLIMIT_AS, (STARVED_BYTES, STARVED_BYTES))


@pytest.mark.share(2)
@pytest.mark.parametrize(
    "blow",
    [kill, *(pytest.param(blow, marks=takes_time) for blow in (crash, starve, stop))],
)
async def test_f015_finals_are_complete_and_the_same_when_workers_die(
    start_server: StartServer,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
    blow: Callable[[int], None],
) -> None:
    server = start_server("--real-time-factor", "0.05")

    async def strike(going: Round, row: Row) -> None:
        for _ in range(BLOWS):
            # Audio whose worker dies twice counts as poison: one death at a time.
            victim = await one_of_all_workers(server, dice)
            going.interrupt(row)
            blow(victim)
            await asyncio.sleep(dice.uniform(0.3, 0.6))

    with ledger.fault(f"workers: {blow.__name__}") as row:
        plan = Plan(server, passages, dice, count, together=AT_ONCE)
        await plan.carry_out(row, strike)


@takes_time
@pytest.mark.share(2)
async def test_f015_the_real_engine_hears_the_same_when_workers_die(
    real: ServerProcess,
    real_passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    async def strike(going: Round, row: Row) -> None:
        victim = await one_of_all_workers(real, dice)
        going.interrupt(row)
        kill(victim)

    with ledger.fault("workers: kill, real engine") as row:
        await Plan(real, real_passages, dice, count, together=AT_ONCE).carry_out(row, strike)


async def one_of_all_workers(server: ServerProcess, dice: random.Random) -> int:
    """A worker, once there are as many as there should be: all warm, or about to be."""
    async with asyncio.timeout(START_SECONDS):
        while len(found := workers(server)) < CORES:  # noqa: ASYNC110  a process apart
            await asyncio.sleep(0.05)
    return int(dice.choice(found).pid)


@pytest.mark.share(1)
async def test_f018_poison_fails_its_own_utterances_and_no_others(
    start_server: StartServer, passages: list[Passage], dice: random.Random, ledger: Ledger
) -> None:
    """Some words of these passages kill the worker that hears them, or make its engine fail."""
    server = start_server("--faults", *POISON)
    api = Api(server.url)
    with ledger.fault("workers: poison audio, failing engine") as row:
        said = [*passages, dice.choice(passages)]
        talks = (spoken_through(api, [passage.audio]) for passage in said)
        for passage, (made, talking) in zip(said, await asyncio.gather(*talks), strict=True):
            healthy = [data for data in passage.finals if not poisoned(data)]
            row.sessions += 1
            row.interrupted += healthy != passage.finals
            await proved(api, made, talking.history, healthy)
            failed = {
                error["error"]["message"].split()[1] for error in of_type(talking.heard, "error")
            }
            assert failed == {data["id"] for data in passage.finals if poisoned(data)}
        assert row.interrupted
        row.breaks = row.interrupted


def poisoned(final: Json) -> bool:
    """Whether an utterance has a word that is a fault here."""
    return not POISON.isdisjoint(final["utterance"]["text"].split())


@takes_time
@pytest.mark.share(1)
async def test_f020_finals_are_late_but_complete_when_the_model_is_too_slow(
    start_server: StartServer,
    passages: list[Passage],
    dice: random.Random,
    ledger: Ledger,
) -> None:
    server = start_server("--real-time-factor", "1.5", settings={"VIVAVOCE_WORKERS": "2"})
    with ledger.fault("workers: slower than speech") as row:
        async with calls(server, passages, dice, 4) as going:
            row.sessions = row.interrupted = row.breaks = 4
            await going.prove()


@pytest.mark.share(1)
async def test_f022_a_worker_that_leaks_is_replaced_and_the_finals_are_the_same(
    start_server: StartServer,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    server = start_server("--leak", str(LEAK), settings={"VIVAVOCE_WORKER_GROWTH": "64"})
    with ledger.fault("workers: they leak memory") as row:
        async with calls(server, passages, dice, count) as going:
            row.sessions = row.interrupted = row.breaks = count
            await going.prove()
        replaced = server.log.count("worker_recycled")
        row.notes.append(f"{replaced} replaced")
        assert replaced


def test_f023_workers_end_with_a_server_that_is_killed(
    scripted: ServerProcess, ledger: Ledger
) -> None:
    with ledger.fault("workers: the server is killed"):
        orphans = workers(scripted)
        scripted.kill()
        _, alive = psutil.wait_procs(orphans, timeout=5)
        assert orphans
        assert alive == []
