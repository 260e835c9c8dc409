"""What a server costs: processor seconds and memory of its whole process tree."""

import asyncio
from contextlib import suppress
from typing import Self

import psutil

PERIOD = 0.5


class Watch:
    """Reads a process and its children while something runs.

    A worker that ends takes its seconds with it; what was seen of it before still counts.

    Attributes:
        peak_bytes: most resident memory of all together, shared pages counted once a process.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._seen: dict[int, float] = {}
        self._begun: dict[int, float] = {}
        self.peak_bytes = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to count."""
        self._read()
        self._begun = dict(self._seen)
        self._task = asyncio.create_task(self._run(), name="watch the server")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Count no more."""
        self._read()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds of all processes since the beginning."""
        return sum(now - self._begun.get(pid, 0.0) for pid, now in self._seen.items())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self._read()

    def _read(self) -> None:
        resident = 0
        for process in (self._root, *self._root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                self._seen[process.pid] = times.user + times.system
                resident += process.memory_info().rss
        self.peak_bytes = max(self.peak_bytes, resident)
