"""Broker between the callers that submit jobs and the workers that decode them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vivavoce.recognition.cadence import Cadence
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis
from vivavoce.recognition.errors import (
    DecodeFailedError,
    PoisonedError,
    SessionCancelledError,
    Superseded,
)
from vivavoce.recognition.frames import Answer, Decoded
from vivavoce.recognition.jobs import BYTES_PER_SAMPLE, PATIENCE, Job, Source
from vivavoce.recognition.quarantine import Quarantine
from vivavoce.recognition.scheduler import Displaced, Scheduler
from vivavoce.recognition.slot import WorkSource
from vivavoce.recognition.validation import read_answer
from vivavoce.recognition.worker_process import WorkerLostError
from vivavoce.recognition.workload import Workload

MAX_BATCH = 4
"""Largest batch; above it, finals wait longer for a worker than batching saves in computing."""


@dataclass(frozen=True, slots=True)
class RecogniserStats:
    """Counters of a recogniser and the current state of its queue.

    Attributes:
        done: jobs answered with a hypothesis.
        failed: jobs for which the engine returned no valid answer.
        poisoned: jobs abandoned or refused because their audio crashes workers.
        superseded: partials replaced by a newer job.
        shed: partials dropped under load.
        late: jobs that a worker started after their deadline.
        batches: batches answered.
        audio_seconds: audio decoded, context included.
        cpu_seconds: CPU time that workers spent on decoding.
        waiting: jobs in the queue now.
        queue_age: seconds that the longest waiting job has waited.
        spared: refreshes not requested because they were too early for the load.
        refresh_interval: current seconds between two refreshes of a channel; 0 if there are none.
    """

    done: int
    failed: int
    poisoned: int
    superseded: int
    shed: int
    late: int
    batches: int
    audio_seconds: float
    cpu_seconds: float
    waiting: int
    queue_age: float
    spared: int
    refresh_interval: float


class Desk:
    """Pairs every submitted job with its waiting caller. Belongs to one event loop.

    Attributes:
        workload: load that due jobs, finals and language requests, put on the workers.
    """

    def __init__(
        self, engines: Iterable[str], scheduler: Scheduler, clock: Callable[[], float]
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._cadence = Cadence()
        self.workload = Workload()
        self._owed: dict[Job, float] = {}  # due jobs being decoded: start time
        self._quarantine = Quarantine()
        self._awaited: dict[Job, asyncio.Future[Hypothesis]] = {}
        # Speculative finals: confirmed ones with their deadlines; parked ones wait for that.
        self._confirmed: dict[Job, float] = {}
        self._parked: set[Job] = set()
        self._arrivals = {engine: asyncio.Event() for engine in engines}
        self._done = self._failed = self._poisoned = self._batches = 0
        self._audio_seconds = self._cpu_seconds = 0.0

    async def decode(self, job: Job) -> Hypothesis:
        """Queue a job and wait for its answer. Cancelling the call withdraws the job.

        Raises:
            ValueError: the job is being awaited already.
        """
        if job in self._awaited:
            raise ValueError("the job was handed in twice")
        future: asyncio.Future[Hypothesis] = asyncio.get_running_loop().create_future()
        # The caller may be cancelled at the moment its job fails.
        future.add_done_callback(_mark_retrieved)
        self._awaited[job] = future
        self._submit(job)
        try:
            return await future
        finally:
            self._forget(job)

    def confirm(self, job: Job) -> None:
        """Turn a speculative final into an ordinary one, because its endpoint is confirmed."""
        if not self._is_guess(job):
            return
        self._quarantine.utterance_ended(job)
        if not self._is_awaited(job):
            self._give_way(self._scheduler.utterance_ended(job.source))
            return
        spoken = max(self._clock(), job.deadline - PATIENCE[job.kind])
        self._confirmed[job] = spoken + PATIENCE["final"]
        if job in self._parked or self._scheduler.holds(job):
            self._parked.discard(job)
            self._queue_confirmed(job)
        else:
            self._give_way(self._scheduler.utterance_ended(job.source))

    def lane(self, engine: str) -> WorkSource:
        """Return the source of work for the workers of an engine."""
        return _Lane(self, engine)

    async def take(self, engine: str, limit: int) -> Sequence[Job]:
        """Wait for the next jobs of an engine."""
        arrival = self._arrivals[engine]
        limit = max(1, min(limit, MAX_BATCH))
        while not (batch := self._next_batch(engine, limit)):
            arrival.clear()
            await arrival.wait()
        return batch

    def _next_batch(self, engine: str, limit: int) -> Sequence[Job]:
        now = self._clock()
        self._cadence.note(self._scheduler.queue_age(now), now)
        batch = self._scheduler.next_batch(engine, now, limit)
        for job in batch:
            if not job.is_partial and job.deadline - PATIENCE[job.kind] <= now:
                self.workload.taken(self._confirmed.get(job, job.deadline), now)
                self._owed[job] = now
        return batch

    def answered(self, batch: Sequence[Job], decoded: Decoded) -> None:
        """Validate the answers and pass them to the waiting callers."""
        self._batches += 1
        self._cpu_seconds += decoded.cpu_seconds
        self._audio_seconds += sum(job.audio_seconds for job in batch)
        for job, answer in zip(batch, decoded.answers, strict=True):
            self._account(job)
            self._quarantine.release(job)
            self._settle(job, answer)

    def lost(self, batch: Sequence[Job]) -> None:
        """Retry the jobs of a lost worker, except those found to crash workers."""
        awaited = [job for job in batch if self._is_awaited(job)]
        guesses = {job for job in awaited if self._is_guess(job)}
        self._quarantine.worker_lost(awaited, alone=len(batch) == 1, guesses=guesses)
        self._parked |= guesses
        for job in guesses:
            self._owed.pop(job, None)
        for job in awaited:
            if self._quarantine.is_condemned(job):
                self._condemn(job)
        self.returned([job for job in batch if job not in guesses])

    def returned(self, batch: Sequence[Job]) -> None:
        """Queue the jobs again that are still awaited."""
        for job in batch:
            self._owed.pop(job, None)
            if not self._is_awaited(job):
                continue
            self._give_way(self._scheduler.restore(job, self._clock()))
            self._arrivals[job.engine].set()
            if job in self._confirmed:
                self._queue_confirmed(job)

    def wants_refresh(self, source: Source, spoken: float) -> bool:
        """Return whether a channel's next refresh is due; if so, it counts as requested."""
        now = self._clock()
        self._cadence.note(self._scheduler.queue_age(now), now)
        return self._cadence.admits(source, spoken, now)

    def cancel(self, session: str) -> None:
        """End a session: all its jobs raise ``SessionCancelledError``."""
        self._scheduler.cancel(session)
        self._cadence.forget(session)
        self._quarantine.forget(session)
        theirs = [job for job in self._awaited if job.session == session]
        self.fail(theirs, SessionCancelledError, "the session was cancelled")

    def fail(self, jobs: Iterable[Job], kind: type[Exception], reason: str) -> None:
        """Raise an error in the callers that await the jobs."""
        for job in jobs:
            if self._is_awaited(job):
                self._awaited[job].set_exception(kind(reason))

    def fail_all(self, kind: type[Exception], reason: str) -> None:
        """Raise an error in every caller that awaits a job."""
        self.fail(tuple(self._awaited), kind, reason)

    def is_waited_for(self, engine: str) -> bool:
        """Return whether any job of an engine is awaited."""
        return any(job.engine == engine and self._is_awaited(job) for job in self._awaited)

    def stats(self) -> RecogniserStats:
        """Return the counters and the state of the queue."""
        return RecogniserStats(
            done=self._done,
            failed=self._failed,
            poisoned=self._poisoned,
            superseded=self._scheduler.superseded,
            shed=self._scheduler.shed,
            late=self._scheduler.late,
            batches=self._batches,
            audio_seconds=self._audio_seconds,
            cpu_seconds=self._cpu_seconds,
            waiting=len(self._scheduler),
            queue_age=self._scheduler.queue_age(self._clock()),
            spared=self._cadence.spared,
            refresh_interval=self._cadence.interval or 0.0,
        )

    def _submit(self, job: Job) -> None:
        if self._quarantine.is_condemned(job):
            self._condemn(job)
            return
        alone = self._quarantine.is_suspect(job)
        if alone and self._is_guess(job):
            self._parked.add(job)
            return
        if job.is_final:
            self._quarantine.utterance_ended(job)
        self._give_way(self._scheduler.submit(job, self._clock(), alone=alone))
        self._arrivals[job.engine].set()

    def _queue_confirmed(self, job: Job) -> None:
        deadline = self._confirmed[job]
        self._give_way(self._scheduler.confirm(job, deadline, self._clock()))
        self._arrivals[job.engine].set()

    def _forget(self, job: Job) -> None:
        """Remove all state of a job that is no longer awaited."""
        del self._awaited[job]
        self._confirmed.pop(job, None)
        self._parked.discard(job)
        self._scheduler.withdraw(job)
        if not job.is_partial:
            self._quarantine.release(job)

    def _give_way(self, displaced: Displaced) -> None:
        self.fail(displaced.superseded, Superseded, "something newer was asked for")
        self.fail(displaced.shed, Superseded, "too many partials were waiting")

    def _account(self, job: Job) -> None:
        """Record the cost of an answer that was due and is still awaited."""
        since = self._owed.pop(job, None)
        if since is None or not self._is_awaited(job):
            return
        now, speech = self._clock(), 0 if job.kind == "language" else len(job.request.audio)
        seconds = speech / BYTES_PER_SAMPLE / SAMPLE_RATE
        self.workload.done(job.engine, now - since, seconds, now)

    def _condemn(self, job: Job) -> None:
        self._poisoned += 1
        self.fail([job], PoisonedError, "the audio lost two workers in turn")

    def _settle(self, job: Job, answer: Answer) -> None:
        try:
            hypothesis = read_answer(answer, job.request)
        except DecodeFailedError as error:
            self._failed += 1
            self.fail([job], type(error), str(error))
            return
        self._done += 1
        if self._is_awaited(job):
            self._awaited[job].set_result(hypothesis)

    def _is_guess(self, job: Job) -> bool:
        return job.kind == "foreseen" and job not in self._confirmed

    def _is_awaited(self, job: Job) -> bool:
        future = self._awaited.get(job)
        return future is not None and not future.done()


class _Lane:
    """Work source of one engine."""

    def __init__(self, desk: Desk, engine: str) -> None:
        self._desk = desk
        self._engine = engine

    async def take(self, limit: int) -> Sequence[Job]:
        return await self._desk.take(self._engine, limit)

    def answered(self, batch: Sequence[Job], decoded: Decoded) -> None:
        self._desk.answered(batch, decoded)

    def lost(self, batch: Sequence[Job], cause: WorkerLostError) -> None:  # noqa: ARG002 - port
        self._desk.lost(batch)

    def returned(self, batch: Sequence[Job]) -> None:
        self._desk.returned(batch)


def _mark_retrieved(future: asyncio.Future[Hypothesis]) -> None:
    if not future.cancelled():
        future.exception()
