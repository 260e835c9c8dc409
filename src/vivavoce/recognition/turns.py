"""The part of the queue that may give way: partials, and finals that are only foreseen.

Sessions take turns by their shares, and within a session its channels by their deadlines. What has
waited for long gains on what outranks it: a session that has not been served for as long as a
refresh has patience ranks with first partials, and so does a job past its deadline among those of
its own session. So nothing that is kept can be passed by for ever.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from vivavoce.recognition.jobs import PATIENCE, Job, Source
from vivavoce.recognition.shares import Shares
from vivavoce.recognition.waiting import FIRST, Claim, Entry

_Turn: TypeAlias = tuple[bool, int, int, int, float, int]


class Turns:
    """What waits and may give way. ``forget`` must be called when a session ends.

    Attributes:
        partials: the waiting partial of each channel; there is one at most.
    """

    def __init__(self) -> None:
        self._entries: dict[Job, Entry] = {}
        self._claims: dict[Source, Claim] = {}
        self._shares = Shares()
        self._asking: Counter[str] = Counter()
        self.partials: dict[Source, Entry] = {}

    def claim(self, job: Job, now: float) -> Claim:
        """What a job may expect: a partial, whatever its channel was owed before."""
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
        """Let a job wait; its channel's partial must have been removed if it is another."""
        self._entries[entry.job] = entry
        self._asking[entry.job.session] += 1
        if entry.job.is_partial:
            self.partials[entry.job.source] = entry

    def remove(self, entry: Entry) -> None:
        """Take a job out; its channel is still owed what it was."""
        del self._entries[entry.job]
        self._asking[entry.job.session] -= 1
        if entry.job.is_partial:
            del self.partials[entry.job.source]

    def settle(self, source: Source) -> None:
        """A channel is owed nothing any more."""
        self._claims.pop(source, None)

    def has_urgent(self, engine: str, now: float) -> bool:
        """Whether a job of an engine waits that was not asked for ahead of time."""
        return any(
            entry.job.engine == engine and not entry.is_ahead(now)
            for entry in self._entries.values()
        )

    def take(self, engine: str, now: float, most: int) -> Iterator[Entry]:
        """Take out the next job of an engine, and at most so many in all that may go with it."""
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
        """The partial whose turn comes last."""
        return max(self.partials.values(), key=lambda entry: self._turn(entry, entry.rank, now))

    def forget(self, session: str) -> None:
        """A session has ended; nothing of it waits."""
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
        """Sorts by the order of service: the turn of the session, then that of the job in it."""
        session = entry.job.session
        if self._shares.waited(session, now) >= PATIENCE["refresh_partial"]:
            session_rank = FIRST
        rank = FIRST if now >= entry.claim.deadline else entry.rank
        had = self._shares.had(session)
        return entry.is_ahead(now), session_rank, had, rank, entry.claim.deadline, entry.ticket
