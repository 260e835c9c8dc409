"""What strangers without a key can do to a server by HTTP: little that others notice."""

import asyncio
import math
import resource
import socket
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from history import History
from integration import few_descriptors
from integration.http_flooder import SHAPES
from integration.server_process import ServerProcess
from integration.wire import Api, Line, line, proved

FLOODER = Path(__file__).with_name("http_flooder.py")
SECONDS = 3.0
CONNECTIONS = 4
MEBIBYTE = 1 << 20
CHUNK = bytes(640)
"""20 ms of silence."""

BUSY = "vivavoce_loop_busy_seconds"


@pytest.fixture(scope="module")
def scripted(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("floods") / "data"
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_WORKERS": "1"}
    program = (str(few_descriptors.PROGRAM),)
    with ServerProcess(data, settings, program=program).running() as process:
        yield process


class Talker:
    """A live session that goes on, and how long its acknowledgements took."""

    def __init__(self, talking: Line) -> None:
        self._line = talking
        self.sent = 0
        self.waits: list[float] = []

    async def talk(self) -> None:
        """A chunk every 20 ms, the next when the last is acknowledged."""
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await self._line.send([CHUNK])
            self.sent += len(CHUNK)
            await self._line.acknowledged(self.sent)
            self.waits.append(loop.time() - begun)
            await asyncio.sleep(0.02)

    def p99(self) -> float:
        """Of the waits so far, which are forgotten; endless where the session stood still."""
        waits, self.waits = self.waits, []
        if len(waits) < 5:
            return math.inf
        return statistics.quantiles(waits, n=100, method="inclusive")[98]


@asynccontextmanager
async def live(server: ServerProcess) -> AsyncIterator[Talker]:
    """A session that talks; at its end everything that it was promised is there."""
    api, history = Api(server.url), History()
    made = await api.create()
    async with line(made.url, history) as talking:
        talker = Talker(talking)
        task = asyncio.create_task(talker.talk())
        try:
            yield talker
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await talking.acknowledged(talker.sent) if len(talking.heard) == 0 else None
        await talking.stop()
        await talking.rest()
    await proved(api, made, history)


async def loop_busy(server: ServerProcess) -> dict[str, float]:
    """How often the event loop worked at most so long before it answered."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    counts = (each for each in lines if each.startswith(f"{BUSY}_bucket"))
    return {each.split('"')[1]: float(each.split()[-1]) for each in counts}


def port_of(server: ServerProcess) -> int:
    """Where it listens."""
    return int(server.url.rpartition(":")[2])


def established(server: ServerProcess) -> int:
    """TCP connections that the server holds."""
    held = psutil.Process(server.pid).net_connections("tcp")
    return sum(each.status != psutil.CONN_LISTEN for each in held)


async def emptied(server: ServerProcess, within: float) -> bool:
    """Whether the server holds no connection after some seconds at most."""
    deadline = asyncio.get_running_loop().time() + within
    while established(server) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  a process apart
        await asyncio.sleep(0.1)
    return not established(server)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_flood_takes_little_memory_and_little_of_the_loop(
    scripted: ServerProcess, shape: str, record_property: Callable[[str, object], None]
) -> None:
    process = psutil.Process(scripted.pid)
    async with live(scripted) as talker:
        await asyncio.sleep(1.0)
        quiet, before, busy = talker.p99(), process.memory_info().rss, await loop_busy(scripted)
        flooder = await asyncio.create_subprocess_exec(
            *(sys.executable, str(FLOODER), shape, str(port_of(scripted))),
            *(str(SECONDS), str(CONNECTIONS)),
        )
        most = 0
        while flooder.returncode is None:
            most = max(most, process.memory_info().rss)
            with suppress(TimeoutError):
                await asyncio.wait_for(flooder.wait(), 0.05)
        flooded = talker.p99()
        after = await loop_busy(scripted)
    grown = (most - before) / MEBIBYTE
    answers = after["+Inf"] - busy["+Inf"]
    late = answers - (after["0.1"] - busy["0.1"])
    numbers = f"{grown=:.1f} MiB {quiet=:.4f} s {flooded=:.4f} s {late=:.0f} of {answers:.0f}"
    record_property("numbers", numbers)
    sys.stdout.write(f"{shape}: {numbers}\n")
    assert grown <= 32, numbers
    # The processor time of the loop alone: other programs of this machine do not count.
    assert late <= 0.01 * answers, numbers
    assert flooded <= 1.0 + 5 * quiet, numbers  # of a machine that others use: 0.1 on a quiet one
    assert await emptied(scripted, 15)


async def test_with_all_descriptors_taken_sessions_go_on_and_new_clients_get_in(
    models: Path, tmp_path: Path
) -> None:
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_WORKERS": "1"}
    program = (str(Path(few_descriptors.__file__)),)
    with ServerProcess(tmp_path / "data", settings, program=program).running() as server:
        held = psutil.Process(server.pid)
        assert held.rlimit(resource.RLIMIT_NOFILE) == (few_descriptors.DESCRIPTORS,) * 2
        address = ("127.0.0.1", port_of(server))
        async with live(server) as talker:
            await asyncio.sleep(0.5)
            with ExitStack() as strangers:
                for turn in range(2 * few_descriptors.DESCRIPTORS):
                    raw = strangers.enter_context(socket.create_connection(address, 5))
                    with suppress(ConnectionError):
                        if turn % 2:
                            raw.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
                    if turn % 50 == 0:
                        await asyncio.sleep(0)
                await asyncio.sleep(1.0)
                assert held.num_fds() < few_descriptors.DESCRIPTORS - 32
                talker.waits.clear()
                async with live(server):
                    await asyncio.sleep(1.0)
                assert talker.p99() < 10, "the session goes on, also on a busy machine"
            begun = asyncio.get_running_loop().time()
            async with live(server):
                await asyncio.sleep(0.5)
            assert asyncio.get_running_loop().time() - begun < 15
        assert '"connection_limit_set"' in server.log
        assert "Too many open files" not in server.log
