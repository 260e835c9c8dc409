"""Best-effort part of the queue: partials and unconfirmed speculative finals.

Sessions are ordered by their shares, and within a session its channels by their deadlines. Long
waits raise the rank: a session that has not been served for the patience of a refresh ranks with
first partials, and so does a job past its deadline among those of its own session. So no queued
job can be passed over indefinitely.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from vivavoce.recognition.jobs import PATIENCE, Job, Source
from vivavoce.recognition.shares import Shares
from vivavoce.recognition.waiting import FIRST, Claim, Entry

_Turn: TypeAlias = tuple[bool, int, int, int, float, int]


class Turns:
    """The queue of best-effort jobs. ``forget`` must be called when a session ends.

    Attributes:
        partials: the waiting partial of each channel, at most one.
    """

    def __init__(self) -> None:
        self._entries: dict[Job, Entry] = {}
        self._claims: dict[Source, Claim] = {}
        self._shares = Shares()
        self._asking: Counter[str] = Counter()
        self.partials: dict[Source, Entry] = {}

    def claim(self, job: Job, now: float) -> Claim:
        """Return the claim of a job; a partial inherits the open claim of its channel."""
        owed = self._asking[job.session] or any(
            session == job.session for session, _ in self._claims
        )
        if not owed:
            self._shares.join(job.session, now)
        claim = Claim.of(job.kind, job.deadline, now)
        if not job.is_partial:
            return claim
        claim = claim.with_earlier(self._claims.get(job.source))
        self._claims[job.source] = claim
        return claim

    def add(self, entry: Entry) -> None:
        """Queue a job; for a partial, the channel's previous partial must be removed already."""
        self._entries[entry.job] = entry
        self._asking[entry.job.session] += 1
        if entry.job.is_partial:
            self.partials[entry.job.source] = entry

    def remove(self, entry: Entry) -> None:
        """Remove a job; its channel keeps its claim."""
        del self._entries[entry.job]
        self._asking[entry.job.session] -= 1
        if entry.job.is_partial:
            del self.partials[entry.job.source]

    def settle(self, source: Source) -> None:
        """Discard the claim of a channel."""
        self._claims.pop(source, None)

    def has_urgent(self, engine: str, now: float) -> bool:
        """Return whether a job of an engine is queued that was not submitted ahead of time."""
        return any(
            entry.job.engine == engine and not entry.is_ahead(now)
            for entry in self._entries.values()
        )

    def take(self, engine: str, now: float, most: int) -> Iterator[Entry]:
        """Remove and yield an engine's next job and jobs that may join it, at most ``most``."""
        batch: list[Entry] = []
        while len(batch) < most and (entry := self._next(engine, now, batch)):
            if not batch:
                self._shares.reach(entry.job.session)
            batch.append(entry)
            self.remove(entry)
            if entry.job.is_partial:
                self.settle(entry.job.source)
            self._shares.charge(entry.job.session, entry.job.samples, now)
            yield entry

    def last_partial(self, now: float) -> Entry:
        """Return the partial that would be served last."""
        return max(self.partials.values(), key=lambda entry: self._turn(entry, entry.rank, now))

    def forget(self, session: str) -> None:
        """Discard the state of an ended session, which has no queued jobs."""
        for source in [source for source in self._claims if source[0] == session]:
            del self._claims[source]
        self._shares.forget(session)
        del self._asking[session]

    def _next(self, engine: str, now: float, batch: Sequence[Entry]) -> Entry | None:
        fitting = [
            entry
            for entry in self._entries.values()
            if entry.job.engine == engine and entry.may_join(batch)
        ]
        ranks: dict[str, int] = {}
        for entry in fitting:
            session = entry.job.session
            ranks[session] = min(ranks.get(session, entry.rank), entry.rank)
        return min(
            fitting,
            key=lambda entry: self._turn(entry, ranks[entry.job.session], now),
            default=None,
        )

    def _turn(self, entry: Entry, session_rank: int, now: float) -> _Turn:
        """Return a sort key for the order of service: by session, then by job within it."""
        session = entry.job.session
        if self._shares.waited(session, now) >= PATIENCE["refresh_partial"]:
            session_rank = FIRST
        rank = FIRST if now >= entry.claim.deadline else entry.rank
        had = self._shares.had(session)
        return entry.is_ahead(now), session_rank, had, rank, entry.claim.deadline, entry.ticket
