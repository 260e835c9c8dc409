"""A job in the queue and the claim it has."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from vivavoce.recognition.jobs import PATIENCE, Job, JobKind

# First partials, then speculative finals, then refreshes: a speculative final may be discarded; a
# first partial is cheap and is certain to be read.
FIRST = 0
_RANKS: dict[JobKind, int] = {"first_partial": FIRST, "foreseen": 1, "refresh_partial": 2}

# Above this ratio of lengths, padding to the longest costs what the batch saves.
_ALIKE = 1.25


_AHEAD = 2.0
"""A job is urgent within this many seconds of its deadline; longer than every patience."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A channel's place in the queue, and the start of its wait, until a partial is decoded."""

    deadline: float
    since: float
    first: bool

    @classmethod
    def of(cls, kind: JobKind, deadline: float, now: float) -> Self:
        """Return the claim of a new job; a job submitted ahead of time starts waiting later."""
        since = max(now, deadline - PATIENCE[kind])
        return cls(deadline, since, first=kind == "first_partial")

    def with_earlier(self, other: "Claim | None") -> "Claim":
        """Return this claim with the place of the claim that it replaces."""
        if other is None:
            return self
        return Claim(
            deadline=min(self.deadline, other.deadline),
            since=min(self.since, other.since),
            first=self.first or other.first,
        )


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A job in the queue; promises sort by the order of service.

    ``kind`` is the job's own kind, except that a confirmed speculative final has kind ``final``.
    """

    deadline: float
    ticket: int
    job: Job = field(compare=False)
    kind: JobKind = field(compare=False)
    claim: Claim = field(compare=False)
    alone: bool = field(compare=False)

    @property
    def is_promise(self) -> bool:
        """Whether it goes before all best-effort jobs."""
        return self.kind in {"final", "language"}

    def is_ahead(self, now: float) -> bool:
        """Return whether it was submitted ahead of time and may yield to jobs that were not."""
        return self.deadline > now + _AHEAD

    @property
    def rank(self) -> int:
        """The rank of a best-effort job; lower ranks are served first."""
        return FIRST if self.claim.first else _RANKS[self.kind]

    def may_join(self, batch: Sequence["Entry"]) -> bool:
        """Return whether it may join the batch: all are partials of similar length."""
        if not batch:
            return True
        together = [self, *batch]
        if any(entry.alone or not entry.job.is_partial for entry in together):
            return False
        lengths = [entry.job.samples for entry in together]
        return max(lengths) <= min(lengths) * _ALIKE
