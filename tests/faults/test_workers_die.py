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
from faults.conftest import COUNT, Ledger, StartServer
from faults.rounds import begun, calls
from integration.server_process import ServerProcess

AT_ONCE = 10
BLOWS = 3
STARVED_BYTES = 1 << 20

takes_time = pytest.mark.skipif(COUNT < 100, reason="takes half a minute: make faults COUNT=100")


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


@pytest.mark.parametrize(
    "blow",
    [
        kill,
        crash,
        starve,
        pytest.param(stop, marks=takes_time),
    ],
)
async def test_f015_finals_are_complete_and_the_same_when_workers_die(
    start_server: StartServer,
    passages: list[Passage],
    dice: random.Random,
    ledger: Ledger,
    blow: Callable[[int], None],
) -> None:
    server = start_server("--real-time-factor", "0.05")
    with ledger.fault(f"workers: {blow.__name__}") as row:
        async with calls(server, passages, dice, AT_ONCE) as going:
            row.sessions += AT_ONCE
            await begun(going)
            for _ in range(BLOWS):
                going.interrupt(row)
                blow(dice.choice(workers(server)).pid)
                # Audio whose worker dies twice counts as poison; the other worker takes over.
                await asyncio.sleep(dice.uniform(0.6, 1.0))
            await going.prove()


def test_f023_workers_end_with_a_server_that_is_killed(
    scripted: ServerProcess, ledger: Ledger
) -> None:
    with ledger.fault("workers: the server is killed"):
        orphans = workers(scripted)
        scripted.kill()
        _, alive = psutil.wait_procs(orphans, timeout=5)
        assert orphans
        assert alive == []
