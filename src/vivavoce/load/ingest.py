"""Measures ingest with many sessions of silence: receiving and acknowledging, no recognition."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec

from vivavoce.child_process import FETCHING, NEUTRAL_FOLDER, clean_environment, interpreter
from vivavoce.load.figures import Spread, spread
from vivavoce.load.listeners import READY, TENTH_MS, Order, Tally
from vivavoce.load.machine import Spent, Watch
from vivavoce.load.scenarios import Bench

PROGRAM = interpreter("vivavoce.load.listeners")
LINE_LIMIT = 2**28
"""Longest line read from a driver: a tally is one line, with a number for each chunk."""


class IngestRow(msgspec.Struct, frozen=True):
    """One run of ``sessions`` at once.

    Attributes:
        chunks: chunks sent by all sessions.
        acknowledged: seconds from a chunk's sending to its acknowledgement; every chunk counts,
            also if one acknowledgement covers several.
        acks_per_second: chunks acknowledged per second of the run.
        driver_late: greatest delay of a sent chunk; if it exceeds the acknowledgement times, the
            figures describe the driver.
        spent: cost of sending, without opening the sessions.
    """

    sessions: int
    seconds: float
    chunks: int
    acknowledged: Spread
    acks_per_second: float
    driver_late: float
    drivers: int
    failures: tuple[str, ...]
    spent: Spent


class DriverError(Exception):
    """A driver's process failed; the text is the end of its output."""


async def ingest(
    bench: Bench, sessions: int, seconds: float, *, chunk_seconds: float = 0.1, drivers: int = 1
) -> IngestRow:
    """Send silence in ``sessions`` sessions at once.

    Raises:
        DriverError: a driver's process ended early.
    """
    shares = [len(range(part, sessions, drivers)) for part in range(min(drivers, sessions))]
    before = await _memory(bench.pid)
    async with _started(shares) as processes:
        orders = [
            Order(bench.url, bench.api_key, bench.request, share, seconds, chunk_seconds)
            for share in shares
        ]
        await asyncio.gather(*map(_open, processes, orders))
        async with Watch(bench.pid) as watch:
            tallies = await asyncio.gather(*map(_send, processes))
            spent = watch.spent(sum(tally.cpu for tally in tallies))
    return _row(sessions, seconds, tallies, msgspec.structs.replace(spent, begun_mb=before))


async def _memory(pid: int | None) -> float | None:
    """Return the server's memory before the first session."""
    async with Watch(pid) as watch:
        return watch.spent().begun_mb


@asynccontextmanager
async def _started(shares: Sequence[int]) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    processes = [
        await asyncio.create_subprocess_exec(
            *PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
            env=clean_environment(FETCHING),
            cwd=NEUTRAL_FOLDER,
        )
        for _ in shares
    ]
    try:
        yield processes
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _open(process: asyncio.subprocess.Process, order: Order) -> None:
    if await _ask(process, msgspec.json.encode(order)) != READY:
        raise await _broken(process)


async def _send(process: asyncio.subprocess.Process) -> Tally:
    answer = await _ask(process, b"go")
    if not answer:
        raise await _broken(process)
    return msgspec.json.decode(answer, type=Tally)


async def _ask(process: asyncio.subprocess.Process, line: bytes) -> bytes:
    assert process.stdin is not None  # noqa: S101  piped at the start
    assert process.stdout is not None  # noqa: S101  piped at the start
    process.stdin.write(line + b"\n")
    await process.stdin.drain()
    return await process.stdout.readline()


async def _broken(process: asyncio.subprocess.Process) -> DriverError:
    assert process.stderr is not None  # noqa: S101  piped at the start
    said = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
    return DriverError(f"a driver ended early: {said[-1] if said else 'it said nothing'}")


def _row(sessions: int, seconds: float, tallies: Iterable[Tally], spent: Spent) -> IngestRow:
    told = list(tallies)
    delays = [delay / TENTH_MS for tally in told for delay in tally.delays]
    return IngestRow(
        sessions=sessions,
        seconds=seconds,
        chunks=sum(tally.sent for tally in told),
        acknowledged=spread(delays),
        acks_per_second=round(len(delays) / seconds, 1),
        driver_late=max(tally.late for tally in told),
        drivers=len(told),
        failures=tuple(failure for tally in told for failure in tally.failures),
        spent=spent,
    )
