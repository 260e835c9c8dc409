"""A client behind a line that keeps order and stalls as it likes: is it cut, and is it heard."""

import heapq
from dataclasses import dataclass, field
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.session.mute_detector import RETRY_SECONDS, Action, MuteDetector

PATIENCE = 1.0
RATE = 32_000
END = 60.0


@dataclass
class Way:
    """One direction of a line: things arrive in order, after its delay, and not while it stalls."""

    delay: float
    stalls: list[tuple[float, float]]
    last: float = 0.0

    def arrival(self, sent: float) -> float:
        at = max(sent + self.delay, self.last)
        for begin, seconds in sorted(self.stalls):
            if begin <= at < begin + seconds:
                at = begin + seconds
        self.last = at
        return at


@dataclass
class World:
    """A client that sends chunks, a line, and a server with a detector; events in their order."""

    up: Way
    down: Way
    chunk: float
    audio_at: float = 0.0
    now: float = 0.0
    marks: list[float] = field(default_factory=list)
    events: list[tuple[float, int, str]] = field(default_factory=list)
    order: "count[int]" = field(default_factory=count)
    detector: MuteDetector = field(default_factory=lambda: MuteDetector(PATIENCE, RATE, 0.0))

    def run(self, chunks: list[float]) -> list[float]:
        """When breaks were marked, for a client that sends chunks at these times."""
        for at in chunks:
            self.later(at, "send")
        while self.events and (event := heapq.heappop(self.events))[0] <= END:
            self.now = event[0]
            self.happen(event[2])
        return self.marks

    def later(self, at: float, kind: str) -> None:
        heapq.heappush(self.events, (at, next(self.order), kind))

    def happen(self, kind: str) -> None:
        if kind == "send":
            self.later(self.up.arrival(self.now), "audio")
        elif kind == "ping":
            self.later(self.up.arrival(self.now), "pong")
        elif kind == "pong":
            action = self.detector.answered(self.now, self.audio_at, settled=False, pending=False)
            self.follow(action)
        else:
            if kind == "audio":
                self.audio_at = self.now
                self.detector.chunk_sizes.append(round(self.chunk * RATE))
            self.follow(self.detector.poll(self.now, self.audio_at, settled=False, pending=False))

    def follow(self, action: Action) -> None:
        if action is Action.WAIT:
            self.later(self.detector.due, "timer")
        elif action is Action.PING:
            self.later(self.down.arrival(self.now), "ping")
        elif action is Action.MARK:
            self.marks.append(self.now)


times = st.floats(0, 30, allow_nan=False).map(lambda seconds: round(seconds, 3))
stalls = st.lists(st.tuples(times, st.floats(0.5, 10).map(lambda s: round(s, 3))), max_size=4)
delays = st.sampled_from([0.0, 0.01, 0.2, 0.7, 2.0])
ways = st.builds(Way, delays, stalls)
lengths = st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0])


def spoken(chunk: float, jitter: list[float], until: float) -> list[float]:
    """When a client sends chunks of this duration that speaks until then."""
    number = int(until / chunk)
    return [(place + 1) * chunk + jitter[place % len(jitter)] * chunk for place in range(number)]


jitters = st.lists(st.floats(0, 0.2), min_size=1, max_size=5)


@given(ways, ways, lengths, jitters)
def test_a_client_that_sends_is_never_cut_however_the_line_stalls(
    up: Way, down: Way, chunk: float, jitter: list[float]
) -> None:
    chunks = spoken(chunk, jitter, END)
    assert World(up, down, chunk).run(chunks) == []


@given(delays, delays, lengths, st.floats(5, 20))
def test_a_client_that_falls_silent_is_marked_once_after_a_pause_and_a_round_trip(
    up: float, down: float, chunk: float, until: float
) -> None:
    chunks = spoken(chunk, [0.0], until)
    marks = World(Way(up, []), Way(down, []), chunk).run(chunks)
    last = chunks[-1] + up
    pause, trip = max(PATIENCE, 1.5 * chunk), up + down
    again = trip + RETRY_SECONDS if trip > PATIENCE else 0.0
    [mark] = marks
    assert last + pause <= mark <= last + pause + trip + again + 0.01


@given(ways, ways, lengths, jitters, st.floats(5, 20))
def test_a_client_that_falls_silent_is_marked_once_when_the_line_has_recovered(
    up: Way, down: Way, chunk: float, jitter: list[float], until: float
) -> None:
    chunks = spoken(chunk, jitter, until)
    world = World(up, down, chunk)
    marks = world.run(chunks)
    settled = max([begin + seconds for begin, seconds in up.stalls + down.stalls] + [until])
    possible = settled + up.delay + 3 * (up.delay + down.delay) + 20 < END
    assert len(marks) == 1 or (not marks and not possible)
    assert all(mark >= world.audio_at + PATIENCE for mark in marks)
