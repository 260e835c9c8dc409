"""Order of jobs for free workers: finals by deadline, then best-effort jobs.

A pure object: no clock, no tasks. ``now`` comes in as an argument, and every job that leaves
the queue without being decoded is returned, so that its caller can be notified.

Finals, and the language requests that finals wait for, are promises: they go first, the earliest
deadline before the others, regardless of session. Sessions cannot crowd each other out there,
because the deadline follows speech as it is spoken (``session.pacing``); audio that arrives ahead
of that, such as a file, yields to the partials of live speech.

Under load partials yield. A channel has at most one partial waiting: the newest, because it
covers the older one's audio. It keeps the older one's place in the queue, or a channel that
requests faster than it is served would be pushed back indefinitely; the channel also keeps its
place when its partial was shed. Sessions get equal shares of the capacity that the finals leave
over, and a session's channels take turns.

Partials of similar length share a batch when a queue exists. A final is decoded alone: its text
must not depend on the other jobs of a batch, and it does not wait for them. A language request is
decoded alone too; it does not supersede its channel's partials.

A final may be speculative (kind ``foreseen``): requested before its endpoint is confirmed. Until
then it is queued with the partials; once confirmed, it is a final like any other, with a final's
deadline.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

from vivavoce.recognition.jobs import Job, JobKind, Source
from vivavoce.recognition.turns import Turns
from vivavoce.recognition.waiting import Claim, Entry

# These kinds do not supersede their channel's partial: none of them ends the utterance.
_BESIDE_PARTIALS: frozenset[JobKind] = frozenset({"language", "foreseen"})


@dataclass(frozen=True, slots=True)
class Displaced:
    """Jobs that a submission removed from the queue, possibly the submitted job itself.

    Attributes:
        superseded: partials that a newer partial or the final of their channel replaced.
        shed: partials dropped because too many were waiting.
    """

    superseded: tuple[Job, ...] = ()
    shed: tuple[Job, ...] = ()


class Scheduler:
    """The queue in front of the workers.

    Every live session must be ended with ``cancel``, which also discards the claims of the
    session's channels. Finals are never dropped, so only their submitters bound their number.

    Attributes:
        superseded: partials replaced so far.
        shed: partials dropped so far.
        late: jobs handed out after their deadline so far.
    """

    def __init__(self, *, max_waiting_partials: int = 64) -> None:
        if max_waiting_partials < 1:
            raise ValueError("max_waiting_partials must be at least 1")
        self._max_partials = max_waiting_partials
        self._entries: dict[Job, Entry] = {}
        self._promises: list[Entry] = []
        self._turns = Turns()
        self._tickets = 0
        self.superseded = 0
        self.shed = 0
        self.late = 0

    def __len__(self) -> int:
        return len(self._entries)

    def holds(self, job: Job) -> bool:
        """Return whether a job is queued."""
        return job in self._entries

    def submit(self, job: Job, now: float, *, alone: bool = False) -> Displaced:
        """Queue a job.

        Args:
            job: not in the queue already.
            now: the time, on the clock of the deadlines.
            alone: never batch it with other jobs.

        Returns:
            The jobs that it displaced, possibly ``job`` itself.
        """
        return self._admit(job, now, ticket=self._next_ticket(), alone=alone)

    def restore(self, job: Job, now: float) -> Displaced:
        """Queue a job again after its worker was lost; it is decoded alone from now on.

        It goes before other jobs with the same deadline, because it was ahead of them before.
        A partial is superseded if its channel has submitted a newer job since.
        """
        if job.is_partial and self._has_news_of(job.source):
            self.superseded += 1
            return Displaced(superseded=(job,))
        return self._admit(job, now, ticket=-self._next_ticket(), alone=True)

    def confirm(self, job: Job, deadline: float, now: float) -> Displaced:
        """Queue a speculative final as a final, because its endpoint is confirmed.

        A job that is queued as a final already is left as it is.

        Args:
            job: of kind ``foreseen``; queued here, or taken before and to be decoded after all.
            deadline: deadline of a final.
            now: the time, on the clock of the deadlines.

        Returns:
            The partial of its channel that it supersedes.
        """
        entry = self._entries.get(job)
        if entry is not None and entry.is_promise:
            return Displaced()
        ticket = self._next_ticket() if entry is None else entry.ticket
        if entry is not None:
            self._remove(entry)
        return self._admit(job, now, ticket=ticket, alone=True, final_by=deadline)

    def utterance_ended(self, source: Source) -> Displaced:
        """Drop the waiting partial of a channel whose final is being decoded already."""
        self._turns.settle(source)
        return Displaced(superseded=self._supersede(source))

    def next_batch(self, engine: str, now: float, max_batch: int) -> tuple[Job, ...]:
        """Remove and return the next batch for an engine.

        A partial may be joined by other partials of similar length.

        Args:
            engine: only its jobs are considered.
            now: the time; jobs past their deadline count as late.
            max_batch: maximum number of jobs.

        Returns:
            The jobs, the most urgent first; empty when none is queued.
        """
        promise = self._next_promise(engine, now)
        batch = [promise] if promise else list(self._turns.take(engine, now, max_batch))
        for entry in batch:
            del self._entries[entry.job]
        self.late += sum(entry.deadline < now for entry in batch)
        return tuple(entry.job for entry in batch)

    def withdraw(self, job: Job) -> None:
        """Remove a job that is no longer awaited; do nothing if it is not queued."""
        entry = self._entries.get(job)
        if entry is None:
            return
        self._remove(entry)
        if job.is_partial:
            self._turns.settle(job.source)

    def cancel(self, session: str) -> tuple[Job, ...]:
        """End a session: remove its queued jobs and return them, promises first."""
        mine = [entry for entry in self._entries.values() if entry.job.session == session]
        for entry in mine:
            self._remove(entry)
        self._turns.forget(session)
        return tuple(e.job for e in sorted(mine, key=lambda e: (not e.is_promise, e)))

    def queue_age(self, now: float) -> float:
        """Return the seconds that the longest waiting job, or its channel's claim, has waited.

        A job that was submitted ahead of time does not count as waiting yet.
        """
        return max((now - entry.claim.since for entry in self._entries.values()), default=0.0)

    def _next_ticket(self) -> int:
        self._tickets += 1
        return self._tickets

    def _next_promise(self, engine: str, now: float) -> Entry | None:
        mine = (entry for entry in self._promises if entry.job.engine == engine)
        entry = next(mine, None)
        if entry is None or (entry.is_ahead(now) and self._turns.has_urgent(engine, now)):
            return None
        self._promises.remove(entry)
        return entry

    def _admit(
        self, job: Job, now: float, *, ticket: int, alone: bool, final_by: float | None = None
    ) -> Displaced:
        kind: JobKind = job.kind if final_by is None else "final"
        deadline = job.deadline if final_by is None else final_by
        promise = kind in {"final", "language"}
        claim = Claim.of(kind, deadline, now) if promise else self._turns.claim(job, now)
        superseded = () if kind in _BESIDE_PARTIALS else self._supersede(job.source)
        if kind == "final":
            self._turns.settle(job.source)
        self._insert(Entry(claim.deadline, ticket, job, kind, claim, alone))
        return Displaced(superseded, shed=self._shed_excess(now))

    def _insert(self, entry: Entry) -> None:
        self._entries[entry.job] = entry
        if entry.is_promise:
            insort(self._promises, entry)
        else:
            self._turns.add(entry)

    def _remove(self, entry: Entry) -> None:
        del self._entries[entry.job]
        if entry.is_promise:
            del self._promises[bisect_left(self._promises, entry)]
        else:
            self._turns.remove(entry)

    def _supersede(self, source: Source) -> tuple[Job, ...]:
        """Remove the partial of a channel, if one is queued."""
        older = self._turns.partials.get(source)
        if older is None:
            return ()
        self._remove(older)
        self.superseded += 1
        return (older.job,)

    def _shed_excess(self, now: float) -> tuple[Job, ...]:
        """Drop the partials that would be served last while too many are queued."""
        shed: list[Job] = []
        while len(self._turns.partials) > self._max_partials:
            last = self._turns.last_partial(now)
            self._remove(last)
            shed.append(last.job)
        self.shed += len(shed)
        return tuple(shed)

    def _has_news_of(self, source: Source) -> bool:
        return any(
            entry.job.source == source and entry.kind not in _BESIDE_PARTIALS
            for entry in self._entries.values()
        )
