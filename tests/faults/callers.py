"""Clients that speak while everything breaks, and note what they see.

Each says a passage piece by piece, comes back by its own rules after every break, stops, and
listens until the server has told everything.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from gladiaio_sdk import GladiaClient, LiveV2InitRequest
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

HASTY = Backoff(base=0.1, cap=0.5)
"""So that a test need not wait for a client that takes its time to come back."""

FRAME = 3200
"""Bytes sent at a time: 100 ms."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Audio, and the finals that it has when nothing breaks."""

    audio: bytes
    finals: list[Json]


@dataclass(slots=True)
class Call:
    """One session from the caller's side.

    Attributes:
        pause: seconds between two frames.
        over: the caller has hung up, or was sent away.
    """

    passage: Passage
    pause: float
    history: History = field(default_factory=History)
    session_id: str = ""
    over: bool = False

    async def say(self, send: Callable[[bytes], Any]) -> None:
        """Send the passage at its pace."""
        for frame in pieces(self.passage.audio, FRAME):
            self.history.sent(frame)
            sending = send(frame)
            if sending is not None:
                await sending
            await asyncio.sleep(self.pause)


async def official(call: Call, url: str) -> None:
    """A call with the published SDK, unmodified."""
    client = GladiaClient(api_key=KEY, api_url=url).live_async()
    wanted = LiveV2MessagesConfig(receive_acknowledgments=True, receive_partial_transcripts=True)
    session = client.start_session(LiveV2InitRequest(messages_config=wanted))
    ended = asyncio.Event()
    stopped = False

    def note_end(message: Any) -> None:
        call.history.closed(message.code)
        ended.set()

    def connected(_: Any) -> None:
        # A break after the stop makes this SDK forget that it was asked to stop.
        if stopped:
            session.stop_recording()

    def send(frame: bytes) -> None:
        # In the instant of a break this SDK raises, after it has kept the audio for later.
        with contextlib.suppress(RuntimeError):
            session.send_audio(frame)

    session.on("connecting", lambda _: call.history.opened())
    # Without a listener the SDK's emitter raises in the middle of its reconnecting, which then
    # neither goes on nor ends: a client that is refused would wait for ever.
    session.on("error", lambda _: None)
    session.on("connected", connected)
    session.on("message", lambda message: call.history.heard(_plain(message.to_dict())))
    session.on("ended", note_end)
    try:
        async with asyncio.timeout(PATIENCE):
            call.session_id = await session.get_session_id()
            await call.say(send)
            stopped = True
            session.stop_recording()
            await ended.wait()
    except TimeoutError as error:
        raise TimeoutError(f"the call hangs; it last saw {call.history.events[-3:]}") from error
    finally:
        call.over = True
        session.end_session()
        with contextlib.suppress(Exception):
            await client._http_client.close()  # noqa: SLF001  the SDK has no public way


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


async def own(call: Call, url: str) -> None:
    """A call with our own client."""
    wanted = MessagesConfig(receive_partial_transcripts=True, receive_acknowledgments=True)
    async with Client(url, KEY) as client:
        made = await client.create(InitRequest(messages_config=wanted))
    call.session_id = made.id
    session = NotedSession(made.url, session_id=made.id, messages=wanted, backoff=HASTY)
    session.history = call.history
    try:
        async with asyncio.timeout(PATIENCE), session:
            speaking = asyncio.create_task(_say_and_stop(call, session), name="speaking")
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


CALLERS = (official, own)
