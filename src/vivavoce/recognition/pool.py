"""Supervised worker processes of one engine.

Workers pull their jobs, so that the next job is chosen at the last moment. The work source
decides whether the jobs of a lost worker are retried.
"""

import asyncio
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.recognition import frames
from vivavoce.recognition.contract import Capabilities
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.slot import Backoff, Slot, WorkSource
from vivavoce.recognition.worker_process import Patience, WorkerProcess
from vivavoce.supervision import Supervisor


@dataclass(frozen=True, slots=True)
class PoolHealth:
    """State of a pool at one moment.

    Attributes:
        size: configured number of workers.
        ready: workers that are warm.
        busy: workers that are decoding.
        pids: process ids of the warm workers.
        lost: workers lost so far.
        recycled: workers replaced so far because of their memory growth.
        streak: longest current run, over the slots, of losses without an answer in between.
        last_errors: why each slot lost its latest worker.
    """

    size: int
    ready: int
    busy: int
    pids: tuple[int, ...]
    lost: int
    recycled: int
    streak: int
    last_errors: tuple[str, ...]

    @property
    def failing(self) -> bool:
        """Whether a worker is lost repeatedly, so that its replacement is delayed."""
        return self.streak >= Backoff.PATIENT_FROM

    @property
    def unavailable(self) -> bool:
        """Whether no worker can start, so that no job of the engine is answered."""
        return self.failing and not self.ready


class WorkerPool:
    """Keeps a fixed number of workers of one engine running.

    Args:
        spec: the engine.
        source: the source of their jobs.
        clock: monotonic clock, in seconds.
        size: number of workers; one per core by default.
        patience: time limits after which a worker counts as hung.
        growth: bytes by which a worker may grow before it is replaced.
        supervisor: runs the slots.

    Attributes:
        size: number of workers.
        ready: set while at least one worker is warm.

    Raises:
        TypeError: the arguments of the spec are not plain data.
        ValueError: the size is less than one.
    """

    def __init__(
        self,
        spec: EngineSpec,
        source: WorkSource,
        *,
        clock: Callable[[], float],
        size: int | None = None,
        patience: Patience | None = None,
        growth: float = math.inf,
        supervisor: Supervisor | None = None,
    ) -> None:
        frames.pack(spec)
        self.size = _cores() if size is None else size
        if self.size < 1:
            raise ValueError("a pool needs at least one worker")
        self.ready = asyncio.Event()
        self._latest: WorkerProcess | None = None
        self._spec = spec
        self._source = source
        self._clock = clock
        self._patience = patience or Patience()
        self._growth = growth
        self._supervisor = supervisor or Supervisor()
        self._slots: list[Slot] = []

    async def start(self) -> None:
        """Start the workers in the background; ``ready`` is set once a worker is warm."""
        self._slots = [
            Slot(
                self._spec,
                self._source,
                clock=self._clock,
                patience=self._patience,
                changed=self._note_readiness,
                growth=self._growth,
                supervisor=self._supervisor,
            )
            for _ in range(self.size)
        ]

    async def close(self, grace: float = 5.0) -> None:
        """Finish the current batches within ``grace`` seconds, then end all workers."""
        await asyncio.gather(*(slot.close(grace) for slot in self._slots))

    @property
    def capabilities(self) -> Capabilities | None:
        """Capabilities of the engine; None until a worker has been warm."""
        return None if self._latest is None else self._latest.capabilities

    def health(self) -> PoolHealth:
        """Return the current state of the workers."""
        slots = self._slots
        pids = tuple(slot.worker.pid for slot in slots if slot.worker is not None)
        return PoolHealth(
            size=self.size,
            ready=len(pids),
            busy=sum(slot.busy for slot in slots),
            pids=pids,
            lost=sum(slot.losses for slot in slots),
            recycled=sum(slot.recycled for slot in slots),
            streak=max((slot.backoff.streak for slot in slots), default=0),
            last_errors=tuple(slot.last_error for slot in slots if slot.last_error is not None),
        )

    def _note_readiness(self) -> None:
        warm = [slot.worker for slot in self._slots if slot.worker is not None]
        if warm:
            self._latest = warm[0]
            self.ready.set()
        else:
            self.ready.clear()


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
