"""Port through which live sessions have speech transcribed."""

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
"""Four minutes of speech and context; a batch of such requests fits into a frame."""


MOST_WAITING_PARTIALS = 64


class Recogniser:
    """Queues the jobs of all sessions and has worker processes decode them.

    Belongs to one event loop. Sessions must be ended with ``cancel``.

    Args:
        engines: the engines to load, by the name that jobs use.
        clock: monotonic clock, in seconds; deadlines are times of it.
        workers: processes per engine; one per core by default.
        patience: time limits after which a worker counts as hung.
        max_waiting_partials: partials beyond this number are shed.
        growth: bytes by which a worker may grow before it is replaced between two batches.
        memory_mb: megabytes for all engines together; without a limit all of them are loaded at
            the start and stay loaded.
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
        """Start the workers in the background. Jobs may be submitted right away."""
        await self._residency.start()
        self._at_start = self._residency.loaded

    def prepare(self, session: str, engine: str) -> None:
        """Load an engine in the background, if necessary, for a session that will use it.

        Raises:
            ValueError: the engine does not exist.
        """
        self._check_engine(engine)
        self._residency.hold(session, engine)

    def fits(self, engines: Collection[str]) -> bool:
        """Return whether these engines may be in memory at the same time."""
        return self._residency.fits(engines)

    @property
    def ready(self) -> bool:
        """Whether all engines that were loaded at the start and still are loaded are warm."""
        return all(self._pools[name].ready.is_set() for name in self._at_start & self.loaded)

    @property
    def unavailable(self) -> frozenset[str]:
        """The engines that should be in memory and cannot start."""
        return frozenset(name for name in self.loaded if self._pools[name].health().unavailable)

    @property
    def loaded(self) -> frozenset[str]:
        """The engines that are loaded or being loaded."""
        return self._residency.loaded

    async def wait_ready(self, engine: str) -> Capabilities:
        """Wait until a worker of an engine has become warm; return the engine's capabilities."""
        pool = self._pools[engine]
        while pool.capabilities is None:
            await pool.ready.wait()
        return pool.capabilities

    async def close(self, grace: float = 5.0) -> None:
        """Finish the current batches within ``grace`` seconds, then end the workers.

        Jobs that no worker has taken yet raise ``RecogniserClosedError``, as do later ones.
        """
        self._closed = True
        await self._residency.close(grace)
        self._desk.fail_all(RecogniserClosedError, "the recogniser was closed")

    async def decode(self, job: Job) -> Hypothesis:
        """Transcribe a span of speech. Cancelling the call withdraws the job.

        Returns:
            A hypothesis that satisfies the contract.

        Raises:
            Superseded: the job is a partial and was superseded or shed.
            DecodeFailedError: the engine failed on this audio, and would again.
            PoisonedError: this audio crashes or hangs workers.
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
        """Turn a ``foreseen`` job into a final, because its endpoint is confirmed. Does not block.

        If it is still queued, it gets a final's place and deadline. Whether it is queued, being
        decoded or answered, its channel's waiting partial is dropped. The pending ``decode`` call
        continues. A foreseen job that is no longer wanted is cancelled by cancelling that call.
        """
        self._desk.confirm(job)

    def wants_refresh(self, session: str, channel: int, spoken: float) -> bool:
        """Return whether a channel may request its next ``refresh_partial`` under the current load.

        If so, it counts as requested. ``spoken`` is when its last sample was spoken, on the clock.
        """
        return self._desk.wants_refresh((session, channel), spoken)

    def cancel(self, session: str) -> None:
        """End a session: its queued and running jobs raise ``SessionCancelledError``."""
        self._residency.release(session)
        self._desk.cancel(session)

    def stats(self) -> RecogniserStats:
        """Return the counters and the state of the queue."""
        return self._desk.stats()

    def load(self) -> Load:
        """Return the load that finals and language requests put on the workers."""
        return self._desk.workload.load(self._clock())

    @property
    def sizes(self) -> dict[str, int]:
        """Configured number of workers of each engine."""
        return {name: pool.size for name, pool in self._pools.items()}

    def health(self) -> dict[str, PoolHealth]:
        """Return the state of each engine's workers."""
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
