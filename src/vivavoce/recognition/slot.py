"""Supervision of one worker of the pool: give it work and replace it when it is lost."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from vivavoce.recognition.frames import Decoded, EngineSpec
from vivavoce.recognition.jobs import Job
from vivavoce.recognition.worker_process import (
    Patience,
    WorkerLostError,
    WorkerProcess,
    WorkerUnheardError,
)
from vivavoce.supervision import Supervisor

log = structlog.get_logger(__name__)


class WorkSource(Protocol):
    """Source of a worker's jobs and receiver of its answers. Only ``take`` waits."""

    async def take(self, limit: int) -> Sequence[Job]:
        """Wait for a batch of at most ``limit`` jobs; a cancelled call removes none."""
        ...

    def answered(self, batch: Sequence[Job], decoded: Decoded) -> None:
        """Receive a worker's answers, which are not validated yet."""
        ...

    def lost(self, batch: Sequence[Job], cause: WorkerLostError) -> None:
        """Record that a worker was lost while it decoded the batch."""
        ...

    def returned(self, batch: Sequence[Job]) -> None:
        """Take back a batch that a worker will not answer, through no fault of the batch."""
        ...


class Backoff:
    """Delay before a slot starts its next worker.

    The first two losses cause no delay: a crash is usually caused by some audio or by an
    operator. From the third in a row, without an answer in between and each within ``WINDOW``
    seconds of the previous one, the delay doubles. A worker that failed to start always continues
    the streak: a load that hangs takes longer than any window.
    """

    WINDOW = 60.0
    PATIENT_FROM = 3
    LONGEST = 30.0

    def __init__(self) -> None:
        self.streak = 0
        self._last_loss = float("-inf")

    def lost(self, now: float, *, started: bool = True) -> float:
        """Record the loss of a worker and return the seconds to wait."""
        goes_on = not started or now - self._last_loss <= self.WINDOW
        self.streak = self.streak + 1 if goes_on else 1
        self._last_loss = now
        if self.streak < self.PATIENT_FROM:
            return 0.0
        doublings = min(self.streak - self.PATIENT_FROM, 10)
        return min(float(2**doublings), self.LONGEST)

    def succeeded(self) -> None:
        """Record an answer, which ends the streak of losses."""
        self.streak = 0


class Slot:
    """A task that starts a worker, gives it work, and replaces it when it is lost.

    Args:
        spec: the engine.
        source: the source of its jobs.
        clock: monotonic clock, in seconds.
        patience: time limits after which a worker counts as hung.
        changed: called whenever ``worker`` changes.
        growth: bytes by which a worker may grow before it is replaced between two batches.
        supervisor: runs the slot.

    Attributes:
        worker: the warm worker, or None.
        busy: whether it is decoding.
        losses: workers lost so far.
        recycled: workers replaced because of their memory growth.
        last_error: why the latest worker was lost.
        backoff: delay of the replacement.
    """

    def __init__(
        self,
        spec: EngineSpec,
        source: WorkSource,
        *,
        clock: Callable[[], float],
        patience: Patience,
        changed: Callable[[], None],
        growth: float,
        supervisor: Supervisor,
    ) -> None:
        self._spec = spec
        self._source = source
        self._clock = clock
        self._patience = patience
        self._changed = changed
        self._growth = growth
        self._leaving = False
        self.worker: WorkerProcess | None = None
        self.busy = False
        self.losses = 0
        self.recycled = 0
        self.last_error: str | None = None
        self.backoff = Backoff()
        self._warm = False  # whether the latest worker finished starting
        self._task = supervisor.supervised("worker slot", self._run)

    async def close(self, grace: float) -> None:
        """Finish the current batch within ``grace`` seconds and end the worker."""
        self._leaving = True
        if self.busy:
            await asyncio.wait({self._task}, timeout=grace)
        self._task.cancel()  # once: a second cancel would interrupt its cleanup
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        while not self._leaving:
            try:
                await self._employ()
            except WorkerLostError as cause:
                await asyncio.sleep(self._mourn(cause))
            except Exception as error:  # the worker is lost; the supervisor restarts the slot
                self._mourn(error)
                raise

    def _mourn(self, cause: Exception) -> float:
        """Record a loss and return the seconds to wait before the next worker."""
        self.losses += 1
        self.last_error = str(cause)
        delay = self.backoff.lost(self._clock(), started=self._warm)
        log.warning("worker_lost", error=str(cause), restart_after=round(delay, 1))
        return delay

    async def _employ(self) -> None:
        """Run one worker from start to end.

        Raises:
            WorkerLostError: it failed to start or ended unexpectedly.
        """
        self._warm = False
        worker = await WorkerProcess.start(self._spec, self._patience)
        self._warm = True
        self.worker = worker
        self._changed()
        try:
            while not self._leaving and worker.grown_bytes <= self._growth:
                await self._serve(worker, await self._next_batch(worker))
            if not self._leaving:
                self._recycle(worker)
        finally:
            self.worker = None
            self._changed()
            await worker.close()

    def _recycle(self, worker: WorkerProcess) -> None:
        """Record the replacement of a working worker whose engine leaks memory."""
        self.recycled += 1
        grown = round(worker.grown_bytes / (1 << 20))
        log.warning("worker_recycled", pid=worker.pid, grown_mebibytes=grown)

    async def _serve(self, worker: WorkerProcess, batch: Sequence[Job]) -> None:
        self.busy = True
        try:
            decoded = await worker.decode([job.request for job in batch])
        except WorkerUnheardError:
            self._source.returned(batch)
            raise
        except WorkerLostError as cause:
            self._source.lost(batch, cause)
            raise
        except asyncio.CancelledError:
            self._source.returned(batch)
            raise
        finally:
            self.busy = False
        self.backoff.succeeded()
        self._source.answered(batch, decoded)

    async def _next_batch(self, worker: WorkerProcess) -> Sequence[Job]:
        """Wait for work, at most until the worker exits."""
        limit = worker.capabilities.max_batch
        take = asyncio.create_task(self._source.take(limit), name="take work")
        try:
            await asyncio.wait({take, worker.gone}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if take.done():
                self._source.returned(take.result())
            raise
        finally:
            if not take.done():
                take.cancel()
                await asyncio.wait({take})
        if worker.gone.done():
            if not take.cancelled():
                self._source.returned(take.result())
            raise WorkerLostError(f"{worker.obituary()} while it was idle")
        return take.result()
