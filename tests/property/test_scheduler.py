"""The scheduler against a plain model, in simulated time."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recognition_support import a_job
from vivavoce.recognition.jobs import Job, JobKind, Source
from vivavoce.recognition.scheduler import Displaced, Scheduler

BOUND = 3
SESSIONS = ("a", "b", "c", "d")
KINDS: tuple[JobKind, ...] = ("final", "first_partial", "refresh_partial", "language")


def something_runs(queue: "QueueOfJobs") -> bool:
    return bool(queue.running)


def something_waits(queue: "QueueOfJobs") -> bool:
    return bool(queue.waiting)


class QueueOfJobs(RuleBasedStateMachine):
    """Every job that was ever submitted is in exactly one place, and the bounds hold."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler(max_waiting_partials=BOUND)
        self.now = 0.0
        self.waiting: list[Job] = []
        self.running: list[Job] = []
        self.alone: set[Job] = set()
        self.given_up: Counter[str] = Counter()

    @rule(
        session=st.sampled_from(SESSIONS),
        channel=st.integers(0, 1),
        kind=st.sampled_from(KINDS),
        patience=st.floats(0, 2),
        samples=st.sampled_from([8_000, 9_000, 16_000, 40_000]),
    )
    def submit(
        self, session: str, channel: int, kind: JobKind, patience: float, samples: int
    ) -> None:
        job = a_job(
            kind, session=session, channel=channel, deadline=self.now + patience, samples=samples
        )
        before = [other for other in self.waiting if other.source == job.source]
        self.waiting.append(job)
        displaced = self.scheduler.submit(job, self.now)
        self._leave(displaced)
        expected = [other for other in before if other.is_partial and kind != "language"]
        assert list(displaced.superseded) == expected

    @rule(limit=st.integers(1, 5))
    def take(self, limit: int) -> None:
        batch = self.scheduler.next_batch("scripted", self.now, limit)
        assert bool(batch) == bool(self.waiting)
        assert len(batch) <= limit
        self._check_order(batch)
        self._check_company(batch)
        for job in batch:
            self.waiting.remove(job)
            self.running.append(job)

    @precondition(something_runs)
    @rule(data=st.data(), lost=st.booleans())
    def finish(self, data: st.DataObject, lost: bool) -> None:  # noqa: FBT001 - drawn by name
        job = data.draw(st.sampled_from(self.running))
        self.running.remove(job)
        if lost:
            self.alone.add(job)
            self.waiting.append(job)
            self._leave(self.scheduler.restore(job, self.now))

    @precondition(something_waits)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(job)
        self.scheduler.withdraw(job)

    @rule(session=st.sampled_from(SESSIONS))
    def cancel(self, session: str) -> None:
        theirs = {job for job in self.waiting if job.session == session}
        assert set(self.scheduler.cancel(session)) == theirs
        self.waiting = [job for job in self.waiting if job not in theirs]

    @rule(seconds=st.floats(0, 1))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.scheduler) == len(self.waiting)

    @invariant()
    def at_most_one_partial_of_a_channel_waits(self) -> None:
        assert max(Counter(partials(self.waiting)).values(), default=0) <= 1

    @invariant()
    def waiting_partials_are_bounded(self) -> None:
        assert len(partials(self.waiting)) <= BOUND

    @invariant()
    def what_was_given_up_is_counted(self) -> None:
        assert self.scheduler.superseded == self.given_up["superseded"]
        assert self.scheduler.shed == self.given_up["shed"]

    def _leave(self, displaced: Displaced) -> None:
        for job in (*displaced.superseded, *displaced.shed):
            assert job.is_partial
            self.waiting.remove(job)
        self.given_up["superseded"] += len(displaced.superseded)
        self.given_up["shed"] += len(displaced.shed)

    def _check_order(self, batch: tuple[Job, ...]) -> None:
        promises = [job.deadline for job in self.waiting if not job.is_partial]
        if promises and (not batch[0].is_partial or min(promises) <= self.now + 2):
            assert not batch[0].is_partial
            assert batch[0].deadline == min(promises)

    def _check_company(self, batch: tuple[Job, ...]) -> None:
        if not batch:
            return
        assert len(batch) == 1 or all(job.is_partial for job in batch)
        assert max(job.samples for job in batch) <= 1.25 * min(job.samples for job in batch)
        assert len(batch) == 1 or not self.alone.intersection(batch)


def partials(jobs: Iterable[Job]) -> list[Source]:
    return [job.source for job in jobs if job.is_partial]


TestQueueOfJobs = QueueOfJobs.TestCase


@given(st.lists(st.floats(0, 100), min_size=1))
def test_finals_leave_in_the_order_of_their_deadlines(deadlines: list[float]) -> None:
    scheduler = Scheduler()
    for number, deadline in enumerate(deadlines):
        scheduler.submit(a_job(session=str(number), deadline=deadline), 0)
    left = [scheduler.next_batch("scripted", 0, 1)[0].deadline for _ in deadlines]
    assert left == sorted(deadlines)


@settings(max_examples=40, deadline=None)
@given(
    sessions=st.integers(1, 40),
    bound=st.integers(1, 40),
    every=st.sampled_from([1, 2, 3, 7]),
    order=st.sampled_from(["rising", "falling"]),
)
def test_no_channel_starves_however_fast_all_ask(
    sessions: int, bound: int, every: int, order: Literal["rising", "falling"]
) -> None:
    """One partial is served each turn; every channel asks anew in each ``every``-th turn."""
    scheduler = Scheduler(max_waiting_partials=bound)
    names = [str(number) for number in range(sessions)]
    served: dict[str, list[int]] = {name: [0] for name in names}
    for turn in range(6 * sessions * every):
        for number, name in enumerate(names if order == "rising" else reversed(names)):
            if (turn + number) % every == 0:
                scheduler.submit(a_job("refresh_partial", session=name, deadline=turn + 0.3), turn)
        for job in scheduler.next_batch("scripted", turn, 1):
            served[job.session].append(turn)
    longest = max(b - a for turns in served.values() for a, b in pairwise(turns))
    assert all(len(turns) > 2 for turns in served.values())
    assert longest <= 2 * sessions * every + every
