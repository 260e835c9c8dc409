"""A connection that finalizes, on a socket of the test: what is acknowledged, in which order."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket, WebSocketState

from vivavoce.audio.format import AudioFormat
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import BreakMarker, LiveSession, NewSession, UnavailableError
from vivavoce.protocol.request import InitRequest
from vivavoce.server.coarse_timers import CoarseTimers
from vivavoce.server.gateway import Connection
from vivavoce.server.metrics import Metrics
from vivavoce.server.websocket.peer import EXTENSION, PeerHandle
from vivavoce.session.connections import Resumes
from vivavoce.session.live import Limits, Live

LIMITS = Limits(duration=100, resume=300, farewell=15, idle=60, connect=3600, sessions=10)
AUDIO = bytes(range(256)) * 25


class Socket:
    """Speaks ASGI's messages to a connection; frames may go the short way, as on a real one."""

    client_state = WebSocketState.CONNECTED

    def __init__(self) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=100)
        self.told: list[dict[str, Any]] = []
        confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.peer = PeerHandle(confirmed, lambda _: None, self._tell, lambda: False)
        self.scope = {"extensions": {EXTENSION: self.peer}}

    def _tell(self, text: bytes) -> bool:
        self.told.append(json.loads(text))
        return True

    async def receive(self) -> dict[str, Any]:
        return await self.frames.get()

    async def send_text(self, text: str) -> None:
        self.told.append(json.loads(text))

    async def close(self, _code: int, _reason: str = "") -> None:
        self.peer.resolve(confirmed=True)

    def audio(self, audio: bytes) -> None:
        if not (self.frames.empty() and self.peer.take and self.peer.take(audio)):
            self.frames.put_nowait({"type": "websocket.receive", "bytes": audio})

    def finalize(self, **data: Any) -> None:
        text = json.dumps({"type": "finalize", "data": data})
        self.frames.put_nowait({"type": "websocket.receive", "text": text})

    async def acks(self, count: int) -> list[dict[str, Any]]:
        """The first acknowledgements, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.told) < count:  # noqa: ASYNC110  the server's side has no event for it
                await asyncio.sleep(0)
        return self.told


class World:
    """A session of two channels, and its connection."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.socket = Socket()

    async def serve(self) -> None:
        session = NewSession("s", b"t", b"{}", 0.0, "default")
        await self.journal.create(session)
        stored = LiveSession(session, audio_end=0, sealed=False)
        self.live = Live(
            stored,
            InitRequest(channels=2),
            AudioFormat(channels=2),
            self.journal,
            LIMITS,
            lambda: 0.0,
            resumes=Resumes(),
        )
        socket = cast("WebSocket", self.socket)
        await Connection(socket, self.live, lambda: 0.0, Metrics(), CoarseTimers()).serve()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    serving = asyncio.create_task(world.serve())
    while world.socket.peer.take is None:  # noqa: ASYNC110  as above
        await asyncio.sleep(0)
    yield world
    world.socket.frames.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await serving


async def test_finalize_stands_behind_what_was_sent_before_and_before_what_comes_after(
    world: World,
) -> None:
    world.socket.audio(AUDIO)
    world.socket.finalize()
    world.socket.finalize(channel=1)
    world.socket.audio(AUDIO)
    kinds = [(ack["type"], ack["acknowledged"]) for ack in await world.socket.acks(4)]
    assert kinds == [
        ("audio_chunk", True),
        ("finalize", True),
        ("finalize", True),
        ("audio_chunk", True),
    ]
    assert [ack["data"] for ack in world.socket.told if ack["type"] == "finalize"] == [
        {"time": 0.1, "channel": None},
        {"time": 0.1, "channel": 1},
    ]
    size = len(AUDIO)
    assert await world.journal.read_markers("s", 0) == [
        BreakMarker(1, size),
        BreakMarker(2, size, 1),
    ]


async def test_finalize_is_refused_while_nothing_can_be_stored_and_may_be_sent_again(
    world: World,
) -> None:
    world.socket.audio(AUDIO)
    await world.socket.acks(1)
    world.journal.failure = UnavailableError("the disk is full")
    world.socket.finalize()
    refused = (await world.socket.acks(2))[1]
    assert (refused["acknowledged"], refused["data"]) == (False, None)
    assert refused["error"]["message"] == "the disk is full"
    assert refused["error"]["status_code"] == 503
    world.journal.failure = None
    world.socket.finalize()
    assert (await world.socket.acks(3))[2]["acknowledged"]


async def test_channels_that_the_session_does_not_have_are_refused(world: World) -> None:
    for channel in (2, -1, "1"):
        world.socket.finalize(channel=channel)
    refused = await world.socket.acks(3)
    assert [ack["acknowledged"] for ack in refused] == [False] * 3
    assert all(ack["error"]["message"] for ack in refused)
    assert await world.journal.read_markers("s", 0) == []


async def test_malformed_finalizes_do_not_count_as_unreadable(world: World) -> None:
    for _ in range(150):
        world.socket.finalize(channel="x")
        await world.socket.acks(1)
        world.socket.told.clear()
    world.socket.audio(AUDIO)
    assert (await world.socket.acks(1))[0]["acknowledged"]
