"""One place in the pool: a worker, kept busy, and replaced when it is lost."""

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
    """Where workers get their jobs and bring the answers. All but ``take`` return at once."""

    async def take(self, limit: int) -> Sequence[Job]:
        """Wait for a batch of at most ``limit`` jobs; a cancelled call takes none."""
        ...

    def answered(self, batch: Sequence[Job], decoded: Decoded) -> None:
        """A worker answered; the answers are unchecked."""
        ...

    def lost(self, batch: Sequence[Job], cause: WorkerLostError) -> None:
        """A worker was lost while it had the batch in hand."""
        ...

    def returned(self, batch: Sequence[Job]) -> None:
        """A worker will not answer the batch, and the batch is not to blame."""
        ...


class Backoff:
    """How long a slot waits before its next worker.

    The first two losses cost no wait: a crash is usually the doing of some audio or of an
    operator. From the third in a row, without an answer in between and each within ``WINDOW``
    seconds of the one before, the wait doubles. A worker that could not even start counts however
    long ago the one before was lost: a load that hangs takes longer than any window.
    """

    WINDOW = 60.0
    PATIENT_FROM = 3
    LONGEST = 30.0

    def __init__(self) -> None:
        self.streak = 0
        self._last_loss = float("-inf")

    def lost(self, now: float, *, started: bool = True) -> float:
        """Note the loss of a worker that had started or had not; returns the seconds to wait."""
        goes_on = not started or now - self._last_loss <= self.WINDOW
        self.streak = self.streak + 1 if goes_on else 1
        self._last_loss = now
        if self.streak < self.PATIENT_FROM:
            return 0.0
        doublings = min(self.streak - self.PATIENT_FROM, 10)
        return min(float(2**doublings), self.LONGEST)

    def succeeded(self) -> None:
        """Note an answer."""
        self.streak = 0


class Slot:
    """A task that starts a worker, brings it work, and starts another when it is lost.

    Args:
        spec: the engine.
        source: the work.
        clock: seconds, never going back.
        patience: when a worker counts as hung.
        changed: called whenever ``worker`` changed.
        growth: bytes by which a worker may grow; then it is replaced, between two batches.
        supervisor: runs the slot.

    Attributes:
        worker: the warm worker, if there is one now.
        busy: whether it is decoding.
        losses: workers lost so far.
        recycled: workers that were replaced because they had grown too much.
        last_error: why the latest one was lost.
        backoff: how the replacement is put off.
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
        self._warm = False  # whether the latest worker got so far
        self._task = supervisor.supervised("worker slot", self._run)

    async def close(self, grace: float) -> None:
        """Finish the batch in hand within ``grace`` seconds and end the worker."""
        self._leaving = True
        if self.busy:
            await asyncio.wait({self._task}, timeout=grace)
        self._task.cancel()  # once: a second time would interrupt its cleaning up
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        while not self._leaving:
            try:
                await self._employ()
            except WorkerLostError as cause:
                await asyncio.sleep(self._mourn(cause))
            except Exception as error:  # costs a worker; the supervisor starts the slot again
                self._mourn(error)
                raise

    def _mourn(self, cause: Exception) -> float:
        """Note a loss; returns the seconds to wait before the next worker."""
        self.losses += 1
        self.last_error = str(cause)
        delay = self.backoff.lost(self._clock(), started=self._warm)
        log.warning("worker_lost", error=str(cause), restart_after=round(delay, 1))
        return delay

    async def _employ(self) -> None:
        """One worker's life.

        Raises:
            WorkerLostError: it ended before we wanted it to.
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
        """Note that a worker is given up though it works: its engine keeps ever more memory."""
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
        """Wait for work, but not past the death of the worker."""
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
