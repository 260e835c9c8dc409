"""Measures a run's cost: the server's processor time and memory, and other load on the machine."""

import asyncio
import time
from contextlib import suppress
from typing import Self

import msgspec
import psutil

PERIOD = 0.5
_MB = 2**20


class Sample(msgspec.Struct, frozen=True):
    """The server's process tree at one time of the monotonic clock.

    ``cpu_seconds`` are counted since the start of the watch; memory shared by processes counts
    once for each.
    """

    at: float
    cpu_seconds: float
    resident_bytes: int


class Spent(msgspec.Struct, frozen=True):
    """Resources used during a run: processor seconds, and MiB of resident memory.

    Attributes:
        server_cpu: used by the server's process tree; None if it cannot be read.
        driver_cpu: used by this program and its helpers, if any.
        other_cpu: used by everything else on the machine, including a server that cannot be read.
        begun_mb: the server's memory before the run.
        peak_mb: the server's greatest memory.
    """

    wall: float
    driver_cpu: float
    other_cpu: float
    server_cpu: float | None = None
    begun_mb: float | None = None
    peak_mb: float | None = None

    @property
    def cores(self) -> float | None:
        """Average number of cores that the server kept busy."""
        return None if self.server_cpu is None else self.server_cpu / max(self.wall, 1e-9)


class Watch:
    """Samples the machine and a server's process tree during a run.

    The last reading of a worker that ends still counts; the seconds after it are lost.

    Args:
        pid: id of the server's process; None if it runs elsewhere.

    Attributes:
        samples: readings of the server, every half second.
    """

    def __init__(self, pid: int | None) -> None:
        self._root = psutil.Process(pid) if pid else None
        self._seen: dict[int, float] = {}
        self._begun: dict[int, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._before = _Machine.read()
        self.samples: list[Sample] = []

    async def __aenter__(self) -> Self:
        """Start counting."""
        self._before = _Machine.read()
        self._read()
        self._begun = dict(self._seen)
        self.samples = [msgspec.structs.replace(each, cpu_seconds=0.0) for each in self.samples]
        self._task = asyncio.create_task(self._run(), name="watch the server")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop counting."""
        self._read()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def spent(self, helpers_cpu: float = 0.0) -> Spent:
        """Return the use so far; helper programs report theirs, passed as ``helpers_cpu``."""
        now = _Machine.read()
        before = self._before
        driver = now.driver - before.driver + helpers_cpu
        cpu = self.samples[-1].cpu_seconds if self.samples else None
        other = max(now.busy - before.busy - driver - (cpu or 0.0), 0.0)
        memory = [each.resident_bytes / _MB for each in self.samples]
        return Spent(
            wall=round(now.at - before.at, 2),
            driver_cpu=round(driver, 2),
            other_cpu=round(other, 2),
            server_cpu=None if cpu is None else round(cpu, 3),
            begun_mb=round(memory[0], 1) if memory else None,
            peak_mb=round(max(memory), 1) if memory else None,
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self._read()

    def _read(self) -> None:
        if self._root is None:
            return
        resident = 0
        with suppress(psutil.NoSuchProcess):
            for process in (self._root, *self._root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    self._seen[process.pid] = times.user + times.system
                    resident += process.memory_info().rss
        used = sum(now - self._begun.get(pid, 0.0) for pid, now in self._seen.items())
        self.samples.append(Sample(time.monotonic(), used, resident))


class _Machine(msgspec.Struct, frozen=True):
    """Readings of clocks: wall time, this program's and all processes' processor time."""

    at: float
    driver: float
    busy: float

    @classmethod
    def read(cls) -> Self:
        every = psutil.cpu_times()._asdict()
        kinds = ("user", "system", "nice", "irq", "softirq")
        busy = sum(every.get(kind, 0.0) for kind in kinds)
        return cls(time.monotonic(), time.process_time(), busy)
