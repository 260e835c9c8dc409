"""The port through which live sessions get speech turned into text."""

import math
from collections.abc import Callable, Collection, Mapping

from vivavoce.recognition.contract import Capabilities, Hypothesis
from vivavoce.recognition.desk import Desk, RecogniserStats
from vivavoce.recognition.errors import RecogniserClosedError
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.jobs import BYTES_PER_SAMPLE, PURPOSES, Job
from vivavoce.recognition.pool import PoolHealth, WorkerPool
from vivavoce.recognition.residency import Budget, Residency
from vivavoce.recognition.scheduler import Scheduler
from vivavoce.recognition.worker_process import Patience
from vivavoce.recognition.workload import Load
from vivavoce.supervision import Supervisor

MAX_REQUEST_BYTES = 15 * 1024 * 1024
"""Four minutes of speech and context; a batch of such requests still fits into a frame."""


MOST_WAITING_PARTIALS = 64


class Recogniser:
    """Queues the jobs of all sessions and has worker processes decode them.

    Belongs to one event loop. Sessions must be ended with ``cancel``.

    Args:
        engines: what to load, by the name that jobs use.
        clock: seconds, never going back; deadlines are read on it.
        workers: processes for each engine; one for each core by default.
        patience: when a worker counts as hung.
        max_waiting_partials: beyond this, partials are shed.
        growth: bytes by which a worker may grow before it is replaced, between two batches.
        memory_mb: megabytes for all engines together; without it all of them are loaded at the
            start and stay.
        supervisor: runs the background tasks.
    """

    def __init__(  # noqa: PLR0913  keyword-only settings of one port
        self,
        engines: Mapping[str, EngineSpec],
        *,
        clock: Callable[[], float],
        workers: int | None = None,
        patience: Patience | None = None,
        max_waiting_partials: int = MOST_WAITING_PARTIALS,
        growth: float = math.inf,
        memory_mb: int | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        supervisor = supervisor or Supervisor()
        scheduler = Scheduler(max_waiting_partials=max_waiting_partials)
        self._clock = clock
        self._desk = Desk(engines, scheduler, clock)
        self._pools = {
            name: WorkerPool(
                spec,
                self._desk.lane(name),
                clock=clock,
                size=workers,
                patience=patience,
                growth=growth,
                supervisor=supervisor,
            )
            for name, spec in engines.items()
        }
        costs = {name: spec.memory_mb * self._pools[name].size for name, spec in engines.items()}
        self._residency = Residency(
            self._pools, Budget(memory_mb, costs), self._desk.is_waited_for, clock, supervisor
        )
        self._at_start: frozenset[str] = frozenset()
        self._closed = False

    async def start(self) -> None:
        """Begin to start the workers; returns at once. Jobs may be given right away."""
        await self._residency.start()
        self._at_start = self._residency.loaded

    def prepare(self, session: str, engine: str) -> None:
        """A session has begun that will use an engine: load it in the background, if it is not.

        Raises:
            ValueError: there is no such engine.
        """
        self._check_engine(engine)
        self._residency.hold(session, engine)

    def fits(self, engines: Collection[str]) -> bool:
        """Whether these engines may be in memory at the same time."""
        return self._residency.fits(engines)

    @property
    def ready(self) -> bool:
        """Whether what was loaded at the start, and still is in memory, is warm."""
        return all(self._pools[name].ready.is_set() for name in self._at_start & self.loaded)

    @property
    def unavailable(self) -> frozenset[str]:
        """The engines that should be in memory and cannot start."""
        return frozenset(name for name in self.loaded if self._pools[name].health().unavailable)

    @property
    def loaded(self) -> frozenset[str]:
        """The engines that are in memory or on their way there."""
        return self._residency.loaded

    async def wait_ready(self, engine: str) -> Capabilities:
        """Wait until a worker of an engine has become warm, and say what the engine can do."""
        pool = self._pools[engine]
        while pool.capabilities is None:
            await pool.ready.wait()
        return pool.capabilities

    async def close(self, grace: float = 5.0) -> None:
        """Finish within ``grace`` seconds what is being decoded, then end the workers.

        Jobs that no worker has taken yet raise ``RecogniserClosedError``, as do later ones.
        """
        self._closed = True
        await self._residency.close(grace)
        self._desk.fail_all(RecogniserClosedError, "the recogniser was closed")

    async def decode(self, job: Job) -> Hypothesis:
        """Turn a span of speech into text. A cancelled call takes its job back.

        Returns:
            A hypothesis that keeps the contract.

        Raises:
            Superseded: the job is a partial and gave way.
            DecodeFailedError: the engine failed on this audio, and would again.
            PoisonedError: this audio kills or hangs workers.
            SessionCancelledError: ``cancel`` was called.
            RecogniserClosedError: ``close`` was called.
            ValueError: the job is malformed.
        """
        if self._closed:
            raise RecogniserClosedError("the recogniser was closed")
        self._check(job)
        self._residency.use(job.engine)
        return await self._desk.decode(job)

    def confirm(self, job: Job) -> None:
        """The endpoint of a ``foreseen`` job has come: it is a final from now on. Does not block.

        If it still waits, it gets a final's place and deadline; whether it waits, is being decoded
        or has been answered, its channel's waiting partial is dropped. Whoever awaits its
        ``decode`` goes on awaiting it. A foreseen job that nobody wants any more is cancelled by
        cancelling that call.
        """
        self._desk.confirm(job)

    def wants_refresh(self, session: str, channel: int, spoken: float) -> bool:
        """Whether a channel should ask for its next ``refresh_partial``: not too soon for the load.

        It counts as asked for if so. ``spoken`` is when its last sample was spoken, on the clock.
        """
        return self._desk.wants_refresh((session, channel), spoken)

    def cancel(self, session: str) -> None:
        """End a session: whatever of it still waits or runs raises ``SessionCancelledError``."""
        self._residency.release(session)
        self._desk.cancel(session)

    def stats(self) -> RecogniserStats:
        """Counters and queue as they are now."""
        return self._desk.stats()

    def load(self) -> Load:
        """How much of the workers' time is owed to finals."""
        return self._desk.workload.load(self._clock())

    @property
    def sizes(self) -> dict[str, int]:
        """How many workers each engine is to have."""
        return {name: pool.size for name, pool in self._pools.items()}

    def health(self) -> dict[str, PoolHealth]:
        """The state of each engine's workers."""
        return {name: pool.health() for name, pool in self._pools.items()}

    def _check(self, job: Job) -> None:
        request = job.request
        self._check_engine(job.engine)
        if not math.isfinite(job.deadline):
            raise ValueError("the deadline must be a number")
        if PURPOSES[job.kind] != request.purpose:
            raise ValueError("kind and purpose disagree")
        sizes = len(request.audio), len(request.context.audio)
        if not request.audio or any(size % BYTES_PER_SAMPLE for size in sizes):
            raise ValueError("audio must be whole samples, at least one")
        if sum(sizes) > MAX_REQUEST_BYTES:
            raise ValueError(f"more than {MAX_REQUEST_BYTES} bytes of audio")

    def _check_engine(self, engine: str) -> None:
        if engine not in self._pools:
            raise ValueError(f"no engine is named {engine!r}")
