"""The scheduler under loads drawn at random, with workers, in simulated time."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from recognition_support import a_job
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.jobs import PATIENCE, Job, JobKind
from vivavoce.recognition.scheduler import Scheduler

MOST_PARTIALS = 16
MAX_BATCH = 4
KINDS: tuple[JobKind, ...] = ("final", "language", "foreseen", "first_partial", "refresh_partial")
PATIENT = PATIENCE["refresh_partial"]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a channel asks for, and when."""

    at: float
    session: str
    channel: int
    kind: JobKind
    seconds: float

    def job(self) -> Job:
        """The job; its deadline is that of its kind."""
        return a_job(
            self.kind,
            session=self.session,
            channel=self.channel,
            deadline=self.at + PATIENCE[self.kind],
            samples=round(self.seconds * SAMPLE_RATE),
        )


asks = st.builds(
    Ask,
    at=st.floats(0, 5),
    session=st.sampled_from("abcd"),
    channel=st.integers(0, 3),
    kind=st.sampled_from(KINDS),
    seconds=st.sampled_from([0.5, 1.0, 1.1, 4.0]),
)


@dataclass
class World:
    """Workers that take jobs as they become free; ``pace`` is their seconds for one of speech."""

    workers: int
    pace: float
    scheduler: Scheduler = field(default_factory=lambda: Scheduler(max_waiting_partials=16))
    waiting: list[Job] = field(default_factory=list)
    running: int = 0
    taken: list[tuple[float, tuple[Job, ...]]] = field(default_factory=list)

    def run(self, asked: Sequence[Ask], until: float) -> None:
        """Let all happen in its order until a time."""
        order = sorted(asked, key=lambda ask: ask.at)
        events: list[tuple[float, int, Ask | None]] = [
            (ask.at, number, ask) for number, ask in enumerate(order)
        ]
        heapq.heapify(events)
        number = len(events)
        while events and events[0][0] <= until:
            now, _, ask = heapq.heappop(events)
            if ask is None:
                self.running -= 1
            else:
                self._ask(ask, now)
            while self.running < self.workers and (batch := self._take(now)):
                number += 1
                heapq.heappush(events, (now + self._time(batch), number, None))
            self._check()

    def _ask(self, ask: Ask, now: float) -> None:
        job = ask.job()
        self.waiting.append(job)
        gone = self.scheduler.submit(job, now)
        for each in (*gone.superseded, *gone.shed):
            self.waiting.remove(each)

    def _take(self, now: float) -> tuple[Job, ...]:
        promised = [job for job in self.waiting if job.kind in {"final", "language"}]
        batch = self.scheduler.next_batch("scripted", now, MAX_BATCH)
        if promised:
            assert batch[0].deadline == min(job.deadline for job in promised)
            assert batch[0] in promised
        for job in batch:
            self.waiting.remove(job)
        if batch:
            self.running += 1
            self.taken.append((now, batch))
        return batch

    def _time(self, batch: Sequence[Job]) -> float:
        return sum(job.audio_seconds for job in batch) * self.pace

    def _check(self) -> None:
        partials = [job for job in self.waiting if job.is_partial]
        assert max(Counter(job.source for job in partials).values(), default=0) <= 1
        assert len(partials) <= MOST_PARTIALS
        assert len(self.scheduler) == len(self.waiting)
        assert not self.waiting or self.running == self.workers


@settings(max_examples=60, deadline=None)
@given(st.lists(asks, max_size=80), st.integers(1, 3), st.sampled_from([0.01, 0.1, 0.5]))
def test_under_any_load_finals_go_first_and_partials_stay_few(
    asked: list[Ask], workers: int, pace: float
) -> None:
    """Checked at every step: promises by their deadlines and before all else; one partial of a
    channel at most; no more of them than the bound; no worker idle while a job waits."""
    world = World(workers, pace)
    world.run(asked, until=1000)
    assert not world.waiting
    taken = [job for _, batch in world.taken for job in batch]
    assert sum(not job.is_partial for job in taken) == sum(
        ask.kind not in {"first_partial", "refresh_partial"} for ask in asked
    )


@dataclass(frozen=True, slots=True)
class Talker:
    """A session whose channels all ask all the time."""

    name: str
    channels: int
    every: float
    seconds: float
    kind: JobKind

    def asks(self, until: float) -> list[Ask]:
        """What its channels ask for, one after the other."""
        return [
            Ask(turn * self.every + channel / 100, self.name, channel, self.kind, self.seconds)
            for turn in range(round(until / self.every))
            for channel in range(self.channels)
        ]


partials: st.SearchStrategy[JobKind] = st.sampled_from(["first_partial", "refresh_partial"])
talkers = st.builds(
    Talker,
    name=st.uuids().map(str),
    channels=st.integers(1, 8),
    every=st.sampled_from([0.1, 0.25, 1.0]),
    seconds=st.floats(0.5, 4),
    kind=partials,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(talkers, min_size=2, max_size=5), st.integers(1, 2), st.sampled_from([0.02, 0.1]))
@example(  # c goes along in the batches of b, and is soon far ahead of a
    loads=[
        Talker("a", 1, 0.1, 1.0, "first_partial"),
        Talker("b", 2, 0.1, 3.0, "refresh_partial"),
        Talker("c", 3, 0.1, 3.0, "first_partial"),
    ],
    workers=1,
    pace=0.1,
)
def test_no_session_starves(loads: list[Talker], workers: int, pace: float) -> None:
    """A session that waits is served at the latest when its patience is over, what that patience
    let others have before it is made good, and each of the others has had a few jobs more."""
    until = 20.0
    world = World(workers, pace)
    world.run([ask for load in loads for ask in load.asks(until)], until)
    longest = max(load.seconds for load in loads) * pace
    bound = 2 * PATIENT + len(loads) * (2 + MAX_BATCH) * longest / workers
    served: dict[str, list[float]] = defaultdict(list)
    for now, batch in world.taken:
        for job in batch:
            served[job.session].append(now)
    for load in loads:
        times = [0.0, *served[load.name], until]
        assert max(b - a for a, b in pairwise(times)) <= bound + load.every


@settings(max_examples=25, deadline=None)
@given(
    channels=st.integers(2, 8),
    others=st.integers(1, 6),
    seconds=st.sampled_from([1.0, 2.0]),
)
def test_many_channels_take_no_more_than_a_share(
    channels: int, others: int, seconds: float
) -> None:
    """Everybody asks for more than there is: each session is decoded the same amount of speech."""
    until, pace = 20.0, 0.1
    loads = [("many", channels), *((f"one {n}", 1) for n in range(others))]
    asked = [
        Ask(turn / 10 + channel / 100, session, channel, "refresh_partial", seconds)
        for turn in range(200)
        for session, count in loads
        for channel in range(count)
    ]
    world = World(1, pace)
    world.run(asked, until)
    decoded: Counter[str] = Counter()
    for _, batch in world.taken:
        decoded.update({job.session: 1 for job in batch})
    fewest, most = min(decoded[name] for name, _ in loads), max(decoded.values())
    assert most - fewest <= 2 + MAX_BATCH
