"""A job in the queue, and what it is owed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from vivavoce.recognition.jobs import PATIENCE, Job, JobKind

# First partials, then foreseen finals, then refreshes: a foreseen final is a guess; a first partial
# is cheap and somebody is sure to read it.
FIRST = 0
_RANKS: dict[JobKind, int] = {"first_partial": FIRST, "foreseen": 1, "refresh_partial": 2}

# Padding to the longest eats what a batch saves once lengths differ by more than this.
_ALIKE = 1.25


_AHEAD = 2.0
"""Seconds before its deadline from which on a job is urgent; more than anybody's patience."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a channel is owed until it gets a partial: its place, and since when it waits."""

    deadline: float
    since: float
    first: bool

    @classmethod
    def of(cls, kind: JobKind, deadline: float, now: float) -> Self:
        """The claim of a new job. Who asks ahead of time does not wait until it has come."""
        since = max(now, deadline - PATIENCE[kind])
        return cls(deadline, since, first=kind == "first_partial")

    def with_earlier(self, other: "Claim | None") -> "Claim":
        """This claim, with the place of the one that it replaces."""
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

    ``kind`` is the job's, but for a foreseen final that has been confirmed.
    """

    deadline: float
    ticket: int
    job: Job = field(compare=False)
    kind: JobKind = field(compare=False)
    claim: Claim = field(compare=False)
    alone: bool = field(compare=False)

    @property
    def is_promise(self) -> bool:
        """Whether it goes before all that may give way."""
        return self.kind in {"final", "language"}

    def is_ahead(self, now: float) -> bool:
        """Whether it was asked for ahead of time, and can give way to all that was not."""
        return self.deadline > now + _AHEAD

    @property
    def rank(self) -> int:
        """The rank of what may give way; the lower, the sooner it is served."""
        return FIRST if self.claim.first else _RANKS[self.kind]

    def may_join(self, batch: Sequence["Entry"]) -> bool:
        """Whether it may be decoded together with these: partials of alike length."""
        if not batch:
            return True
        together = [self, *batch]
        if any(entry.alone or not entry.job.is_partial for entry in together):
            return False
        lengths = [entry.job.samples for entry in together]
        return max(lengths) <= min(lengths) * _ALIKE
