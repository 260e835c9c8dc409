"""Which job a free worker takes next: finals by their deadlines, then what may give way.

A pure object: no clock, no tasks. ``now`` comes in as an argument and every job that leaves
the queue without being decoded is handed back, so that whoever awaits it can be told.

Finals and questions for a language, for which finals wait, are promises: they go first, the
earliest deadline before the others, whoever's it is. Sessions cannot crowd each other out there,
for the deadline is that of speech as it is spoken (``session.pacing``); what comes ahead of that,
as a file does, gives way to the partials of those who speak now.

Under load partials give way. A channel has at most one partial waiting: the newest, for it
covers the older one's audio. It keeps the older one's place in the queue, or a channel that
asks faster than it is served would be pushed back for ever; the same place is kept when its
partial had to be shed. Sessions get equal shares of what the finals leave over, and a session's
channels take turns.

Partials of alike length share a batch when a queue exists. A final is decoded alone: its text
must not hang on the company it happened to have, and it waits for nobody else's. So is a question
for a language; it leaves its channel's partials in peace.

A final may be foreseen: asked for before its endpoint is confirmed. Until then it takes its turn
with the partials; confirmed, it is a final like any other, with a final's deadline.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

from vivavoce.recognition.jobs import Job, JobKind, Source
from vivavoce.recognition.turns import Turns
from vivavoce.recognition.waiting import Claim, Entry

# What leaves the partials of its channel in peace: none of these ends the utterance.
_BESIDE_PARTIALS: frozenset[JobKind] = frozenset({"language", "foreseen"})


@dataclass(frozen=True, slots=True)
class Displaced:
    """Jobs that a submission pushed out of the queue; a submission can push out itself.

    Attributes:
        superseded: partials that a newer partial or the final of their channel replaced.
        shed: partials dropped because too many were waiting.
    """

    superseded: tuple[Job, ...] = ()
    shed: tuple[Job, ...] = ()


class Scheduler:
    """The queue before the workers.

    Every live session must be ended with ``cancel``: it also forgets what the session's
    channels are owed. Finals are never dropped, so what bounds them is their submitters.

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
        """Whether a job waits."""
        return job in self._entries

    def submit(self, job: Job, now: float, *, alone: bool = False) -> Displaced:
        """Queue a job.

        Args:
            job: not in the queue already.
            now: the time, on the clock of the deadlines.
            alone: never decode it together with others.

        Returns:
            The jobs that left the queue for it, possibly ``job`` itself.
        """
        return self._admit(job, now, ticket=self._next_ticket(), alone=alone)

    def restore(self, job: Job, now: float) -> Displaced:
        """Queue a job again whose worker was lost; it is decoded alone from now on.

        It goes before others of its deadline, for it was before them already.
        A partial is superseded if its channel has asked for something newer since.
        """
        if job.is_partial and self._has_news_of(job.source):
            self.superseded += 1
            return Displaced(superseded=(job,))
        return self._admit(job, now, ticket=-self._next_ticket(), alone=True)

    def confirm(self, job: Job, deadline: float, now: float) -> Displaced:
        """The endpoint of a foreseen final is confirmed: queue it as a final.

        Nothing happens to one that waits as a final already.

        Args:
            job: foreseen; waiting here, or taken before and to be decoded after all.
            deadline: a final's.
            now: the time, on the clock of the deadlines.

        Returns:
            The partial of its channel that it replaces.
        """
        entry = self._entries.get(job)
        if entry is not None and entry.is_promise:
            return Displaced()
        ticket = self._next_ticket() if entry is None else entry.ticket
        if entry is not None:
            self._remove(entry)
        return self._admit(job, now, ticket=ticket, alone=True, final_by=deadline)

    def utterance_ended(self, source: Source) -> Displaced:
        """The final of a channel is on its way already: drop the partial that waits."""
        self._turns.settle(source)
        return Displaced(superseded=self._supersede(source))

    def next_batch(self, engine: str, now: float, max_batch: int) -> tuple[Job, ...]:
        """Take the next job for an engine, and with a partial others of alike length.

        Args:
            engine: only its jobs are looked at.
            now: the time, for what is late.
            max_batch: most jobs to take.

        Returns:
            The jobs, the most urgent first; empty when none waits.
        """
        promise = self._next_promise(engine, now)
        batch = [promise] if promise else list(self._turns.take(engine, now, max_batch))
        for entry in batch:
            del self._entries[entry.job]
        self.late += sum(entry.deadline < now for entry in batch)
        return tuple(entry.job for entry in batch)

    def withdraw(self, job: Job) -> None:
        """Forget a job that nobody awaits any more; nothing happens if it is not waiting."""
        entry = self._entries.get(job)
        if entry is None:
            return
        self._remove(entry)
        if job.is_partial:
            self._turns.settle(job.source)

    def cancel(self, session: str) -> tuple[Job, ...]:
        """End a session: take its waiting jobs out and return them, promises first."""
        mine = [entry for entry in self._entries.values() if entry.job.session == session]
        for entry in mine:
            self._remove(entry)
        self._turns.forget(session)
        return tuple(e.job for e in sorted(mine, key=lambda e: (not e.is_promise, e)))

    def queue_age(self, now: float) -> float:
        """Seconds that the longest waiting job, or its channel's partial, has been waiting.

        What was asked for ahead of time does not wait yet.
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
        """Take out the partial of a channel, if one waits."""
        older = self._turns.partials.get(source)
        if older is None:
            return ()
        self._remove(older)
        self.superseded += 1
        return (older.job,)

    def _shed_excess(self, now: float) -> tuple[Job, ...]:
        """Drop the partial whose turn comes last while too many wait."""
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
