"""Which job a free worker takes next: earliest deadline first, finals before partials.

A pure object: no clock, no tasks. ``now`` comes in as an argument and every job that leaves
the queue without being decoded is handed back, so that whoever awaits it can be told.

Under load partials give way. A channel has at most one partial waiting: the newest, for it
covers the older one's audio. It keeps the older one's place in the queue, or a channel that
asks faster than it is served would be pushed back for ever; the same place is kept when its
partial had to be shed. So with N channels asking, each is served once in N turns.

Partials of alike length share a batch when a queue exists. A final is decoded alone: its text
must not hang on the company it happened to have, and it waits for nobody else's. So is a question
for a language, because a final waits for it; it leaves its channel's partials in peace.

A final may be foreseen: asked for before its endpoint is confirmed. Until then it is a guess, so
it takes its turn among the partials, a first one before it: that one is cheap and somebody is sure
to read it. Confirmed, it is a final like any other, with a final's deadline.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from vivavoce.recognition.jobs import Job, JobKind, Source

# Further kinds of work (add-ons, post-processing) rank below these.
_PRIORITY: dict[JobKind, int] = {
    "final": 0,
    "language": 0,
    "first_partial": 1,
    "foreseen": 1,
    "refresh_partial": 1,
}

# What leaves the partials of its channel in peace: none of these ends the utterance.
_BESIDE_PARTIALS: frozenset[JobKind] = frozenset({"language", "foreseen"})

# Padding to the longest eats what a batch saves once lengths differ by more than this.
_ALIKE = 1.25


@dataclass(frozen=True, slots=True)
class Displaced:
    """Jobs that a submission pushed out of the queue; a submission can push out itself.

    Attributes:
        superseded: partials that a newer partial or the final of their channel replaced.
        shed: partials dropped because too many were waiting.
    """

    superseded: tuple[Job, ...] = ()
    shed: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a channel is owed until it gets a partial: its place, and since when it waits."""

    deadline: float
    since: float
    first: bool

    def with_earlier(self, other: "_Claim | None") -> "_Claim":
        if other is None:
            return self
        return _Claim(
            deadline=min(self.deadline, other.deadline),
            since=min(self.since, other.since),
            first=self.first or other.first,
        )


@dataclass(frozen=True, slots=True, order=True)
class _Waiting:
    """A job in the queue; sorts by the order of service."""

    priority: int
    deadline: float
    ticket: int
    job: Job = field(compare=False)
    kind: JobKind = field(compare=False)
    claim: _Claim = field(compare=False)
    alone: bool = field(compare=False)


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
        self._queue: list[_Waiting] = []
        self._entries: dict[Job, _Waiting] = {}
        self._partials: dict[Source, _Waiting] = {}
        self._claims: dict[Source, _Claim] = {}
        self._tickets = 0
        self.superseded = 0
        self.shed = 0
        self.late = 0

    def __len__(self) -> int:
        return len(self._queue)

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
        if entry is not None and entry.kind == "final":
            return Displaced()
        ticket = self._next_ticket() if entry is None else entry.ticket
        if entry is not None:
            self._remove(entry)
        return self._admit(job, now, ticket=ticket, alone=True, final_by=deadline)

    def utterance_ended(self, source: Source) -> Displaced:
        """The final of a channel is on its way already: drop the partial that waits."""
        self._claims.pop(source, None)
        older = self._partials.get(source)
        if older is None:
            return Displaced()
        self._remove(older)
        self.superseded += 1
        return Displaced(superseded=(older.job,))

    def next_batch(self, engine: str, now: float, max_batch: int) -> tuple[Job, ...]:
        """Take the next job for an engine, and with a partial others of alike length.

        Args:
            engine: only its jobs are looked at.
            now: the time, for counting late jobs.
            max_batch: most jobs to take.

        Returns:
            The jobs, the most urgent first; empty when none waits.
        """
        mine = (entry for entry in self._queue if entry.job.engine == engine)
        head = next(mine, None)
        if head is None:
            return ()
        batch = [head, *islice(_companions(head, mine), max_batch - 1)]
        for entry in batch:
            self._remove(entry)
            if entry.job.is_partial:
                self._claims.pop(entry.job.source, None)
        self.late += sum(entry.job.deadline < now for entry in batch)
        return tuple(entry.job for entry in batch)

    def withdraw(self, job: Job) -> None:
        """Forget a job that nobody awaits any more; nothing happens if it is not waiting."""
        entry = self._entries.get(job)
        if entry is None:
            return
        self._remove(entry)
        if job.is_partial:
            self._claims.pop(job.source, None)

    def cancel(self, session: str) -> tuple[Job, ...]:
        """End a session: take its waiting jobs out and return them."""
        mine = [entry for entry in self._queue if entry.job.session == session]
        for entry in mine:
            self._remove(entry)
        for source in [source for source in self._claims if source[0] == session]:
            del self._claims[source]
        return tuple(entry.job for entry in mine)

    def queue_age(self, now: float) -> float:
        """Seconds that the longest waiting job, or its channel's partial, has been waiting."""
        return max((now - entry.claim.since for entry in self._queue), default=0.0)

    def _next_ticket(self) -> int:
        self._tickets += 1
        return self._tickets

    def _admit(
        self, job: Job, now: float, *, ticket: int, alone: bool, final_by: float | None = None
    ) -> Displaced:
        kind: JobKind = job.kind if final_by is None else "final"
        deadline = job.deadline if final_by is None else final_by
        older = None if kind in _BESIDE_PARTIALS else self._partials.get(job.source)
        if older is not None:
            self._remove(older)
            self.superseded += 1
        claim = self._claim(job, kind, deadline, now)
        self._insert(_Waiting(_PRIORITY[kind], claim.deadline, ticket, job, kind, claim, alone))
        superseded = () if older is None else (older.job,)
        return Displaced(superseded=superseded, shed=self._shed_excess())

    def _claim(self, job: Job, kind: JobKind, deadline: float, now: float) -> _Claim:
        """What a job may expect: a partial, whatever its channel was owed before."""
        claim = _Claim(deadline, since=now, first=kind == "first_partial")
        if kind == "final":
            self._claims.pop(job.source, None)
        if not job.is_partial:
            return claim
        claim = claim.with_earlier(self._claims.get(job.source))
        self._claims[job.source] = claim
        return claim

    def _insert(self, entry: _Waiting) -> None:
        insort(self._queue, entry)
        self._entries[entry.job] = entry
        if entry.job.is_partial:
            self._partials[entry.job.source] = entry

    def _remove(self, entry: _Waiting) -> None:
        del self._queue[bisect_left(self._queue, entry)]
        del self._entries[entry.job]
        if entry.job.is_partial:
            del self._partials[entry.job.source]

    def _shed_excess(self) -> tuple[Job, ...]:
        """Drop the least urgent partial while too many wait: refreshes before first ones."""
        shed: list[Job] = []
        while len(self._partials) > self._max_partials:
            least = max(self._partials.values(), key=lambda entry: (not entry.claim.first, entry))
            self._remove(least)
            shed.append(least.job)
        self.shed += len(shed)
        return tuple(shed)

    def _has_news_of(self, source: Source) -> bool:
        return any(
            entry.job.source == source and entry.kind not in _BESIDE_PARTIALS
            for entry in self._queue
        )


def _companions(head: _Waiting, others: Iterable[_Waiting]) -> Iterable[_Waiting]:
    """Those of ``others`` that may share a batch with ``head``, in their order."""
    shortest = longest = head.job.samples
    for entry in others:
        if head.alone or not head.job.is_partial:
            return
        low, high = min(shortest, entry.job.samples), max(longest, entry.job.samples)
        if entry.job.is_partial and not entry.alone and high <= low * _ALIKE:
            shortest, longest = low, high
            yield entry
