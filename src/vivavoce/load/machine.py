"""What a run costs: processor seconds and memory of the server, and who else used the machine."""

import asyncio
import time
from contextlib import suppress
from typing import Self

import msgspec
import psutil

PERIOD = 0.5
_MB = 2**20


class Sample(msgspec.Struct, frozen=True):
    """The server's process tree at one moment of the monotonic clock.

    ``cpu_seconds`` are counted since the watch began; memory that processes share counts once for
    each.
    """

    at: float
    cpu_seconds: float
    resident_bytes: int


class Spent(msgspec.Struct, frozen=True):
    """What a run used, of the whole machine too. Seconds, and MiB of resident memory.

    Attributes:
        server_cpu: of the server's process tree; None where it is not ours to look into.
        driver_cpu: of this program and its helpers, if it has any.
        other_cpu: of everything else on the machine, a server out of sight included.
        begun_mb: the server's memory before the run.
        peak_mb: its most memory.
    """

    wall: float
    driver_cpu: float
    other_cpu: float
    server_cpu: float | None = None
    begun_mb: float | None = None
    peak_mb: float | None = None

    @property
    def cores(self) -> float | None:
        """Cores that the server kept busy."""
        return None if self.server_cpu is None else self.server_cpu / max(self.wall, 1e-9)


class Watch:
    """Reads the machine, and a server's process tree, while something runs.

    A worker that ends takes its seconds with it; what was seen of it before still counts.

    Args:
        pid: the server's process; None where it runs elsewhere.

    Attributes:
        samples: the server every half second.
    """

    def __init__(self, pid: int | None) -> None:
        self._root = psutil.Process(pid) if pid else None
        self._seen: dict[int, float] = {}
        self._begun: dict[int, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._before = _Machine.read()
        self.samples: list[Sample] = []

    async def __aenter__(self) -> Self:
        """Begin to count."""
        self._before = _Machine.read()
        self._read()
        self._begun = dict(self._seen)
        self.samples = [msgspec.structs.replace(each, cpu_seconds=0.0) for each in self.samples]
        self._task = asyncio.create_task(self._run(), name="watch the server")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Count no more."""
        self._read()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def spent(self, helpers_cpu: float = 0.0) -> Spent:
        """What was used from the beginning until now; programs of ours say what they used."""
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
    """Readings of clocks: the wall's, this program's, everybody's."""

    at: float
    driver: float
    busy: float

    @classmethod
    def read(cls) -> Self:
        every = psutil.cpu_times()._asdict()
        kinds = ("user", "system", "nice", "irq", "softirq")
        busy = sum(every.get(kind, 0.0) for kind in kinds)
        return cls(time.monotonic(), time.process_time(), busy)
