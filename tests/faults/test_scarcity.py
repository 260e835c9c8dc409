"""A server that is held up, or has used up what the system gives it."""

import asyncio
import os
import random
import resource
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from faults.callers import PATIENCE, Passage
from faults.conftest import Ledger
from faults.ledger import Row
from faults.rounds import Plan, Round
from history import History
from integration.server_process import ServerProcess
from integration.wire import Api, line, proved

STANDSTILL = (0.5, 3.0)
KNOCKS = 20


@pytest.mark.share(2)
async def test_f009_sessions_go_on_after_a_standstill_of_the_server(
    scripted: ServerProcess,
    passages: list[Passage],
    dice: random.Random,
    count: int,
    ledger: Ledger,
) -> None:
    async def strike(going: Round, row: Row) -> None:
        going.interrupt(row)
        os.kill(scripted.pid, signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(*STANDSTILL))
        os.kill(scripted.pid, signal.SIGCONT)

    with ledger.fault("the server stands still for up to 3 s") as row:
        await Plan(scripted, passages, dice, count).carry_out(row, strike)


@contextmanager
def no_more_descriptors(pid: int) -> Iterator[None]:
    """While the block runs, a process can open nothing."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


async def test_f011_a_server_out_of_file_descriptors_goes_on_with_its_sessions_and_recovers(
    scripted: ServerProcess, passages: list[Passage], ledger: Ledger
) -> None:
    api, history, passage = Api(scripted.url), History(), passages[0]
    half = len(passage.audio) // 2
    address = urlsplit(scripted.url)
    with ledger.fault("no file descriptors left") as row:
        row.sessions = row.interrupted = row.breaks = 1
        made = await api.create()
        async with line(made.url, history) as talking:
            await talking.send([passage.audio[:half]])
            await talking.acknowledged(half)
            with no_more_descriptors(scripted.pid):
                async with AsyncExitStack() as stack:
                    for _ in range(KNOCKS):
                        knock = asyncio.open_connection(address.hostname, address.port)
                        stack.callback((await knock)[1].close)
                    await talking.send([passage.audio[half:]])
                    await talking.acknowledged(len(passage.audio))
            async with asyncio.timeout(PATIENCE):
                while not await answers(api):  # noqa: ASYNC110  a process apart
                    await asyncio.sleep(0.1)
            await talking.stop()
            await talking.rest()
        await proved(api, made, history, passage.finals, passage.result)


async def answers(api: Api) -> bool:
    """Whether a server takes a new call."""
    try:
        return (await api.call("GET", "/health")).status_code == 200
    except httpx.TransportError:
        return False
