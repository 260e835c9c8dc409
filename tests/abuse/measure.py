"""Measures a server while it is attacked: memory, connections, and how bystanders fare."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from abuse.process import MEBIBYTE, highest_memory, memory, peers, reset_highest
from integration.server_process import KEY, ServerProcess

MOST_GROWTH: Final = 32
"""MiB that a flood may cost."""

MOST_SECONDS: Final = 0.1
"""Seconds of the slowest hundredth of a bystander's acknowledgements, on a machine at rest."""

NOISE: Final = 5
"""Times the calm value that it may be on a busy machine."""

MOST_EXCUSED: Final = 0.5
"""Seconds that no noise excuses."""

CALM_SECONDS: Final = 1.5
REFUSAL_SECONDS: Final = 5.0
"""Seconds within which a refused connection has to be closed."""

ENOUGH: Final = 300
"""MiB of growth at which an attack is stopped: the point is made."""

BYSTANDERS: Final = 4
TESTS: Final = Path(__file__).parents[1]


@dataclass
class Row:
    """A line of the table: what an attack did.

    Attributes:
        attack: its name.
        growth: MiB of memory at the most, above the time before.
        calm: seconds of the slowest hundredth of acknowledgements before.
        slow: the same during the attack.
        left: connections of the attacker that stayed open; None where it was not asked.
        note: anything else worth a word.
        faults: which promises were broken.
    """

    attack: str
    growth: float = 0.0
    kept: float = 0.0
    calm: float = 0.0
    slow: float = 0.0
    worst: float = 0.0
    left: int | None = None
    note: str = ""
    faults: list[str] = field(default_factory=list)
    measured: bool = False


ROWS: Final[list[Row]] = []
"""Every attack of this run, for the table at its end."""


def slowest_hundredth(values: Sequence[float]) -> float:
    """The 99th percentile; nought where there is nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)] if ordered else 0.0


class Bystanders:
    """The process of sessions that have nothing to do with the attack."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.sessions: list[dict[str, Any]] = []
        self.ended = 0.0

    @classmethod
    async def start(cls, url: str, count: int = BYSTANDERS) -> "Bystanders":
        """Start and wait until every session is acknowledged."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "abuse.bystander", url, KEY, str(count)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=TESTS,
            limit=1 << 24,
        )
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
        return cls(process)

    async def stop(self) -> None:
        """Stop the sessions and read what they saw."""
        self.ended = time.monotonic()
        try:
            out, _ = await asyncio.wait_for(self._process.communicate(b""), 90)
            self.sessions = json.loads(out) if out else []
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def latencies(self, begin: float, end: float) -> list[float]:
        """Seconds to the acknowledgement of each chunk sent in a span of the monotonic clock."""
        found = []
        for session in self.sessions:
            known = session["acknowledged"]
            for number, sent in enumerate(session["sent"]):
                if begin <= sent < end:
                    answered = known[number] if number < len(known) else self.ended
                    found.append(answered - sent)
        return found

    @property
    def broken(self) -> list[str]:
        """Sessions that failed or whose recording is not what was sent."""
        failures = [session["failure"] for session in self.sessions if session["failure"]]
        torn = [session for session in self.sessions if session["whole"] is not True]
        return failures + ["a recording is not whole"] * len(torn)


class Attack:
    """An attack under way.

    Attributes:
        address: where the server listens.
        stop: set once the attack has cost the server enough.
        ours: ports of the attacker's connections that count as left behind.
    """

    def __init__(self, server: ServerProcess, row: Row) -> None:
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.server = server
        self.row = row
        self.address = (parts.hostname, parts.port)
        self.stop = asyncio.Event()
        self.ours: set[int] = set()
        self.base = memory(server.pid)

    @property
    def left(self) -> int:
        """Connections of the attacker that the server holds now."""
        return len(self.ours & peers(self.server.pid, self.address[1]))

    async def left_behind(self) -> int:
        """Connections that stay although the attacker is done; a refusal has time to be read."""
        until = time.monotonic() + REFUSAL_SECONDS
        while (left := self.left) and time.monotonic() < until:  # noqa: ASYNC110  a process apart
            await asyncio.sleep(0.1)
        return left

    async def watch(self) -> None:
        """Stop the attack before it takes the machine down."""
        while memory(self.server.pid) < self.base + ENOUGH * MEBIBYTE:  # noqa: ASYNC110  a process apart
            await asyncio.sleep(0.02)
        self.stop.set()


@asynccontextmanager
async def measured(
    server: ServerProcess, name: str, *, bystanders: int = BYSTANDERS
) -> AsyncIterator[Attack]:
    """Measure what happens within the block; the row is filled in behind it."""
    row = Row(name)
    ROWS.append(row)
    others = await Bystanders.start(server.url, bystanders)
    calm = time.monotonic()
    await asyncio.sleep(CALM_SECONDS)
    attack = Attack(server, row)
    reset_highest(server.pid)
    watching = asyncio.create_task(attack.watch())
    begin = time.monotonic()
    try:
        yield attack
    finally:
        end = time.monotonic()
        watching.cancel()
        row.growth = (highest_memory(server.pid) - attack.base) / MEBIBYTE
        row.kept = (memory(server.pid) - attack.base) / MEBIBYTE
        await others.stop()
    row.calm = slowest_hundredth(others.latencies(calm, begin))
    during = others.latencies(begin, end)
    row.slow, row.worst = slowest_hundredth(during), max(during, default=0.0)
    row.measured = True
    row.faults += others.broken
    if row.slow > max(MOST_SECONDS, min(NOISE * row.calm, MOST_EXCUSED)):
        row.faults.append(f"bystanders waited {row.slow * 1000:.0f} ms")


def check(row: Row, *, most_growth: float | None = MOST_GROWTH) -> None:
    """Hold an attack against the promises."""
    if most_growth is not None and row.growth > most_growth:
        row.faults.append(f"{row.growth:.0f} MiB of memory")
    if row.left:
        row.faults.append(f"{row.left} connections left")
    assert not row.faults, f"{row.attack}: {'; '.join(row.faults)}"
