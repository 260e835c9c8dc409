"""The pauses of one connection, with a peer that answers when it is told to; days take no time."""

import asyncio
from collections.abc import Callable
from typing import Any

import virtual_time
from vivavoce.audio.format import AudioFormat
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import LiveSession, NewSession, UnavailableError
from vivavoce.protocol.request import InitRequest
from vivavoce.server.coarse_timers import CoarseTimers
from vivavoce.server.mute_watch import MuteWatch
from vivavoce.server.websocket.peer import PeerHandle
from vivavoce.session.arrival import Arrival
from vivavoce.session.connections import Resumes
from vivavoce.session.live import Limits, Live

PIECE = bytes(3_200)


class World:
    """A session with one connection.

    Attributes:
        open: whether an utterance is open, as the run says.
        busy: whether something that came has not been taken.
        fragment: whether a message has begun to arrive.
        trip: seconds until a pong; None: the line is dead.
    """

    def __init__(self, patience: float = 1.0) -> None:
        self.loop = asyncio.get_running_loop()
        self.journal = MemoryJournal()
        self.limits = Limits(
            duration=1e6,
            resume=300,
            farewell=15,
            idle=60,
            connect=3600,
            sessions=10,
            mute_finalize=patience,
        )
        self.open, self.busy, self.fragment = True, False, False
        self.trip: float | None = 0.1
        self.pings = 0
        self.answers: list[asyncio.Future[Any]] = []

    async def start(self) -> None:
        session = NewSession("s", b"t", b"{}", 0.0, "default")
        await self.journal.create(session)
        stored = LiveSession(session, audio_end=0, sealed=False)
        self.live = Live(
            stored,
            InitRequest(),
            AudioFormat(),
            self.journal,
            self.limits,
            self.loop.time,
            resumes=Resumes(),
        )
        self.live.nothing_open = lambda _end: not self.open
        await self.connect()

    async def connect(self, position: int | None = None) -> None:
        self.peer = PeerHandle(
            self.loop.create_future(), self._ping, lambda _: True, lambda: self.fragment
        )
        self.arrival = Arrival(self.live, position)
        await self.arrival.open()
        self.watch = MuteWatch(
            self.live, self.arrival, self.peer, lambda: self.busy, CoarseTimers()
        )
        self.watch.start()

    def _ping(self, payload: bytes) -> None:
        self.pings += 1
        if self.trip is not None:
            self.loop.call_later(self.trip, self.peer.answered, payload)

    async def speak(self, seconds: float, chunk: bytes = PIECE) -> None:
        """Send audio in real time."""
        until = self.loop.time() + seconds
        while self.loop.time() < until:
            await asyncio.sleep(len(chunk) / 32_000)
            self.take(chunk)

    def take(self, chunk: bytes) -> None:
        """A chunk has come."""
        self.answers.append(self.arrival.take(chunk))
        if chunk:
            self.watch.audio(len(chunk))

    async def marks(self) -> list[int]:
        """Positions that were marked."""
        return [marker.position for marker in await self.journal.read_markers("s", 0)]


def told(story: Callable[[World], object], patience: float = 1.0) -> None:
    async def run() -> None:
        world = World(patience)
        await world.start()
        try:
            await story(world)  # type: ignore[misc]  # a coroutine function
        finally:
            world.watch.close()
            await asyncio.gather(*world.answers, return_exceptions=True)

    virtual_time.run(run())


def test_a_muted_client_gets_one_break_a_pause_and_a_round_trip_later() -> None:
    async def story(world: World) -> None:
        await world.speak(3)
        await asyncio.sleep(1.05)
        assert (world.pings, await world.marks()) == (1, [])
        await asyncio.sleep(0.1)
        assert await world.marks() == [96_000]
        await asyncio.sleep(3600)
        assert (world.pings, await world.marks()) == (1, [96_000])
        await world.speak(2)
        await asyncio.sleep(2)
        assert await world.marks() == [96_000, 160_000]

    told(story)


def test_a_mute_right_at_the_beginning_is_noticed_as_soon_as_any_other() -> None:
    async def story(world: World) -> None:
        await world.speak(0.3)
        await asyncio.sleep(1.15)
        assert await world.marks() == [9_600]

    told(story)


def test_empty_chunks_neither_prevent_a_break_nor_bring_one() -> None:
    async def story(world: World) -> None:
        await world.speak(2)
        for _ in range(30):
            await asyncio.sleep(0.1)
            await world.arrival.take(b"")
        assert await world.marks() == [64_000]
        for _ in range(30):
            await asyncio.sleep(1)
            await world.arrival.take(b"")
        assert world.pings == 1

    told(story)


def test_a_dead_line_is_asked_once_and_never_marked() -> None:
    async def story(world: World) -> None:
        world.trip = None
        await world.speak(2)
        await asyncio.sleep(600)
        assert (world.pings, await world.marks()) == (1, [])

    told(story)


def test_where_nobody_speaks_nothing_is_sent_or_marked() -> None:
    async def story(world: World) -> None:
        world.open = False
        await world.speak(5)
        await asyncio.sleep(600)
        assert (world.pings, await world.marks()) == (0, [])

    told(story)


def test_a_client_of_two_second_chunks_is_not_cut() -> None:
    async def story(world: World) -> None:
        await world.speak(60, 20 * PIECE)
        assert (world.pings, await world.marks()) == (0, [])
        await asyncio.sleep(3.2)
        assert await world.marks() == [60 * 32_000]

    told(story)


def test_what_is_on_its_way_within_the_server_comes_first() -> None:
    async def story(world: World) -> None:
        await world.speak(2)
        world.busy = True  # a long text is being read
        await asyncio.sleep(2)
        world.busy, world.fragment = False, True  # a message in parts is arriving
        await asyncio.sleep(2)
        assert await world.marks() == []
        world.fragment = False
        world.take(PIECE)
        await asyncio.sleep(0.9)
        assert await world.marks() == []
        await asyncio.sleep(0.5)
        assert await world.marks() == [67_200]

    told(story)


def test_a_resumed_client_that_is_quiet_has_three_pauses_to_begin() -> None:
    async def story(world: World) -> None:
        await world.speak(2)
        world.watch.close()
        await world.connect()
        await asyncio.sleep(2.6)
        assert world.pings == 0
        await asyncio.sleep(0.3)
        assert await world.marks() == []
        await asyncio.sleep(0.3)
        assert await world.marks() == [64_000]

    told(story)


def test_audio_of_a_resumed_client_that_is_being_placed_comes_before_the_break() -> None:
    async def story(world: World) -> None:
        await world.speak(2)
        world.live.acknowledged(64_000)
        world.watch.close()
        await world.connect()
        world.take(2 * PIECE)  # silence: more is waited for before it is placed
        world.trip = 0.0
        await asyncio.sleep(0.5)
        assert world.arrival.holding
        world.loop.call_later(0.4, world.take, PIECE)
        await asyncio.sleep(4)
        assert await world.marks() == [73_600]

    told(story)


def test_a_break_that_the_journal_could_not_store_is_tried_again() -> None:
    async def story(world: World) -> None:
        await world.speak(2)
        await asyncio.sleep(0.1)
        world.journal.failure = UnavailableError("the disk is full")
        await asyncio.sleep(3)
        assert await world.marks() == []
        world.journal.failure = None
        await asyncio.sleep(2)
        assert await world.marks() == [64_000]

    told(story)


def test_zero_switches_it_off_and_so_does_the_end() -> None:
    async def off(world: World) -> None:
        await world.speak(2)
        await asyncio.sleep(60)
        assert (world.pings, await world.marks()) == (0, [])

    async def over(world: World) -> None:
        await world.speak(2)
        await world.live.end()
        await asyncio.sleep(60)
        assert (world.pings, await world.marks()) == (0, [])

    told(off, patience=0.0)
    told(over)
