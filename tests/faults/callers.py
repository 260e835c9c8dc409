"""Clients that speak while everything breaks, and note what they see.

Each says a passage piece by piece, comes back by its own rules after every break, stops, and
listens until the server has told everything.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import msgspec
from gladiaio_sdk import GladiaClient, LiveV2InitRequest
from gladiaio_sdk.client_options import WebSocketRetryOptions
from gladiaio_sdk.v2.live.generated_types import LiveV2MessagesConfig
from websockets.asyncio.client import ClientConnection

from history import History, Json
from integration.server_process import KEY
from integration.speech import pieces
from vivavoce.client import Backoff
from vivavoce.client.aio import Client
from vivavoce.client.errors import SessionClosedError
from vivavoce.client.session import Session
from vivavoce.protocol.request import InitRequest, MessagesConfig

PATIENCE = 120.0
"""Seconds until a call counts as hanging."""

HASTY = Backoff(base=0.1, cap=0.5, attempts=1000)
"""So that a test need not wait for a client that takes its time to come back."""

PATIENT = WebSocketRetryOptions(max_attempts_per_connection=1000, delay=lambda _: 0.3)
"""The published SDK gives up after four seconds, sooner than a busy machine starts a server."""

ANSWER_SECONDS = 60.0
"""Seconds that a client waits for an answer to a call or a handshake."""

FRAME = 3200
"""Bytes sent at a time: 100 ms."""

BEGINNING = 5 * FRAME
"""Bytes that a caller says before it waits for others, where it is to."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Audio, and the finals and the result that it has when nothing breaks."""

    audio: bytes
    finals: list[Json]
    result: Json


@dataclass(frozen=True, slots=True)
class Turns(Passage):
    """A passage whose speaker says, or shows by a mute, that a turn is over.

    Attributes:
        breaks: bytes after which a turn ends, and the second at which its speech has ended.
    """

    breaks: Mapping[int, float]


@dataclass(slots=True)
class Call:
    """One session from the caller's side.

    Attributes:
        pause: seconds between two frames.
        over: the caller has hung up, or was sent away.
        hit: something broke while it was speaking or listening.
        go_on: set when the caller may say more than the beginning.
    """

    passage: Passage
    pause: float
    history: History = field(default_factory=History)
    session_id: str = ""
    over: bool = False
    hit: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)

    def frames(self) -> Iterator[bytes]:
        """The passage, piece by piece, each noted as it is given."""
        for frame in pieces(self.passage.audio, FRAME):
            self.history.sent(frame)
            yield frame

    @property
    def ends(self) -> set[float]:
        """The seconds of every ``speech_end`` so far."""
        ends = (told for told in self.history.messages if told["type"] == "speech_end")
        return {told["data"]["time"] for told in ends}

    def turn_end(self) -> float | None:
        """The second at which speech has ended if a turn is over here; None if none is."""
        breaks = self.passage.breaks if isinstance(self.passage, Turns) else {}
        return breaks.get(len(self.history.audio))

    def must_wait(self) -> bool:
        """Whether the beginning has been said, and others have yet to begin."""
        return len(self.history.audio) >= BEGINNING and not self.go_on.is_set()

    async def say(self, send: Callable[[bytes], Any]) -> None:
        """Send the passage at its pace."""
        for frame in self.frames():
            sending = send(frame)
            if sending is not None:
                await sending
            await asyncio.sleep(self.pause)
            while self.must_wait():  # noqa: ASYNC110  the same event serves threads
                await asyncio.sleep(0.02)


def options(url: str) -> dict[str, Any]:
    """How the published SDK is set up."""
    return {
        "api_key": KEY,
        "api_url": url,
        "http_timeout": ANSWER_SECONDS,
        "ws_timeout": ANSWER_SECONDS,
        "ws_retry": PATIENT,
    }


WANTED = LiveV2InitRequest(
    messages_config=LiveV2MessagesConfig(
        receive_acknowledgments=True, receive_partial_transcripts=True
    )
)


def follow(session: Any, call: Call, ended: Callable[[], None]) -> Callable[[], None]:
    """Note what a session of the SDK goes through; gives the way to stop it."""
    stopped = False

    def note_end(message: Any) -> None:
        call.history.closed(message.code)
        ended()

    def connected(_: Any) -> None:
        # A break after the stop makes this SDK forget that it was asked to stop.
        if stopped:
            session.stop_recording()

    def stop() -> None:
        nonlocal stopped
        stopped = True
        session.stop_recording()

    session.on("connecting", lambda _: call.history.opened())
    # Without a listener the SDK's emitter raises in the middle of its reconnecting, which then
    # neither goes on nor ends: a client that is refused would wait for ever.
    session.on("error", lambda _: None)
    session.on("connected", connected)
    session.on("message", lambda message: call.history.heard(_plain(message.to_dict())))
    session.on("ended", note_end)
    # Without a listener this SDK raises where it gives up, and never says that it has ended.
    session.on("error", lambda _: None)
    return stop


async def official(call: Call, url: str) -> None:
    """A call with the published SDK, unmodified."""
    client = GladiaClient(**options(url)).live_async()
    session = client.start_session(WANTED)
    ended = asyncio.Event()
    stop = follow(session, call, ended.set)

    def send(frame: bytes) -> None:
        # In the instant of a break this SDK raises, after it has kept the audio for later.
        with contextlib.suppress(RuntimeError):
            session.send_audio(frame)

    try:
        async with asyncio.timeout(PATIENCE):
            call.session_id = await session.get_session_id()
            await call.say(send)
            stop()
            await ended.wait()
    except TimeoutError as error:
        raise TimeoutError(f"the call hangs; it last saw {call.history.events[-3:]}") from error
    finally:
        call.over = True
        session.end_session()
        with contextlib.suppress(Exception):
            await client._http_client.close()  # noqa: SLF001  the SDK has no public way


async def official_threads(call: Call, url: str) -> None:
    """A call with the SDK's interface for programs without an event loop."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="caller")
    try:
        await asyncio.get_running_loop().run_in_executor(thread, _talk, call, url)
    finally:
        thread.shutdown(wait=False)


def _talk(call: Call, url: str) -> None:
    client = GladiaClient(**options(url)).live()
    ended = threading.Event()
    session = client.start_session(WANTED)
    stop = follow(session, call, ended.set)
    try:
        for frame in call.frames():
            session.send_audio(frame)
            time.sleep(call.pause)
            while call.must_wait():
                time.sleep(0.02)
        stop()
        if not ended.wait(PATIENCE):
            raise TimeoutError("the SDK was never told that its session has ended")
        call.session_id = session.session_id or ""
    finally:
        call.over = True
        session.end_session()
        client._http_client.close()  # noqa: SLF001  the SDK has no public way


def _plain(value: Any) -> Any:
    """A message of the SDK as it came: without the fields that only its classes have."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


class NotedSession(Session):
    """Our client, with its connections noted."""

    history: History

    async def _exchange(self, socket: ClientConnection) -> None:
        self.history.opened()
        await super()._exchange(socket)


Speaker = Callable[[Call, Session], Coroutine[Any, Any, None]]
"""Says a passage and stops."""


async def own(call: Call, url: str) -> None:
    """A call with our own client."""
    await _own(call, url, _say_and_stop)


async def finalizing(call: Call, url: str) -> None:
    """The same, for one who says that a turn is over."""
    await _own(call, url, _say_and_finalize)


async def muting(call: Call, url: str) -> None:
    """The same, for one who mutes where a turn is over, until the server has noticed."""
    await _own(call, url, _say_and_mute)


async def _own(call: Call, url: str, speak: Speaker) -> None:
    wanted = MessagesConfig(receive_partial_transcripts=True, receive_acknowledgments=True)
    async with Client(url, KEY) as client:
        made = await client.create(InitRequest(messages_config=wanted))
    call.session_id = made.id
    session = NotedSession(made.url, session_id=made.id, messages=wanted, backoff=HASTY)
    session.history = call.history
    try:
        async with asyncio.timeout(PATIENCE), session:
            speaking = asyncio.create_task(speak(call, session), name="speaking")
            try:
                async for message in session:
                    call.history.heard(json.loads(msgspec.json.encode(message)))
                call.history.closed(1000)
            except SessionClosedError as error:
                call.history.closed(error.code)
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
    finally:
        call.over = True


async def _say_and_stop(call: Call, session: Session) -> None:
    await call.say(session.send_audio)
    await session.stop()


async def _say_and_finalize(call: Call, session: Session) -> None:
    async def send(frame: bytes) -> None:
        await session.send_audio(frame)
        if call.turn_end() is not None:
            await session.finalize()

    await call.say(send)
    await session.stop()


async def _say_and_mute(call: Call, session: Session) -> None:
    async def send(frame: bytes) -> None:
        await session.send_audio(frame)
        end = call.turn_end()
        while end is not None and end not in call.ends:  # noqa: ASYNC110  events are the server's
            await asyncio.sleep(0.02)

    await call.say(send)
    await session.stop()


CALLERS = (official, own, official_threads)
