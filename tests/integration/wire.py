"""A client that hides nothing: HTTP by httpx, the socket by websockets, messages as they came."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from history import History
from integration.server_process import KEY
from integration.witness import Kept, Witness
from wire_schema import assert_valid_message

Json = dict[str, Any]

STOP = json.dumps({"type": "stop_recording"})
witness: Witness | None = None
"""Who watches the sessions of the test that runs now."""

PATIENCE = 60
"""Seconds until a test gives up waiting."""


@dataclass(frozen=True)
class Session:
    """What ``POST /v2/live`` gave."""

    id: str
    url: str
    created_at: str


class Api:
    """The HTTP routes of a server, with the right key unless told otherwise."""

    def __init__(self, url: str, key: str = KEY) -> None:
        self.url = url
        self._headers = {"x-gladia-key": key} if key else {}

    async def call(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None
    ) -> httpx.Response:
        """Any call; ``body`` goes as JSON."""
        async with httpx.AsyncClient(
            base_url=self.url, headers=self._headers, timeout=PATIENCE
        ) as http:
            return await http.request(method, path, json=body, content=raw)

    async def create(self, **init: Any) -> Session:
        """A new session."""
        answer = await self.call("POST", "/v2/live", init)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        made = Session(body["id"], body["url"], body["created_at"])
        if witness is not None:
            witness.created(made.id, made.url, init, self.kept)
        return made

    def kept(self, session_id: str) -> Kept | None:
        """What the server keeps of a session; None where it is gone, or the server is."""
        with (
            suppress(httpx.TransportError),
            httpx.Client(base_url=self.url, headers=self._headers, timeout=PATIENCE) as http,
        ):
            job = http.get(f"/v2/live/{session_id}")
            file = http.get(f"/v2/live/{session_id}/file")
            if job.status_code == 200:
                return Kept(job.json(), file.content if file.status_code == 200 else None)
        return None

    async def job(self, session_id: str) -> Json:
        """The session as it is shown now."""
        answer = await self.call("GET", f"/v2/live/{session_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def done(self, session_id: str) -> Json:
        """The session once it is done."""
        return await self.job_in(session_id, "done")

    async def job_in(self, session_id: str, status: str) -> Json:
        """The session once it is in a state."""
        async with asyncio.timeout(PATIENCE):
            while (job := await self.job(session_id))["status"] != status:  # noqa: ASYNC110  a process apart
                await asyncio.sleep(0.02)
        return job

    async def recording(self, session_id: str) -> bytes:
        """The recording."""
        answer = await self.call("GET", f"/v2/live/{session_id}/file")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/octet-stream"
        return answer.content


class Line:
    """One socket of a session; every message is kept in ``heard``, and noted in the history."""

    def __init__(self, socket: ClientConnection, history: History) -> None:
        self.socket = socket
        self.history = history
        self.heard: list[Json] = []

    async def send(self, chunks: Iterable[bytes]) -> None:
        """Send audio as binary frames."""
        for chunk in chunks:
            self.history.sent(chunk)
            await self.socket.send(chunk)

    async def send_text(self, chunk: bytes) -> None:
        """Send audio as base64 in JSON."""
        self.history.sent(chunk)
        data = {"chunk": base64.b64encode(chunk).decode()}
        await self.socket.send(json.dumps({"type": "audio_chunk", "data": data}))

    async def stop(self) -> None:
        """Ask for the end of the recording."""
        await self.socket.send(STOP)

    async def next(self, kind: str | None = None) -> Json:
        """The next message, or the next of a type."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self.socket.recv()
                assert isinstance(frame, str), "the server sends text frames"
                message: Json = json.loads(frame)
                assert_valid_message(message)
                self.heard.append(message)
                self.history.heard(message)
                if kind in {None, message["type"]}:
                    return message

    async def rest(self) -> list[Json]:
        """Everything heard on this socket, once the server has closed it."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.heard

    async def acknowledged(self, position: int) -> None:
        """Wait until audio is acknowledged up to a position."""
        while (await self.next("audio_chunk"))["data"]["byte_range"][1] < position:
            pass

    def drop(self) -> None:
        """Cut the line without a word."""
        self.socket.transport.abort()

    @property
    def close_code(self) -> int | None:
        """With what the socket was closed."""
        return self.socket.close_code


@asynccontextmanager
async def line(url: str, history: History | None = None) -> AsyncIterator[Line]:
    """A socket to a session's URL; messages are read however many there are.

    A history may go over several lines; without one each line has its own.
    """
    history = history or History()
    async with connect(url, max_queue=None, max_size=None, compression=None) as socket:
        history.opened()
        if witness is not None:
            witness.connected(url, history)
        talking = Line(socket, history)
        try:
            yield talking
            if socket.close_code is not None:
                await talking.rest()  # what the test did not care to read
        finally:
            # A close that the client began says nothing of the session's end.
            ours = socket.protocol.close_rcvd_then_sent is False
            history.closed(None if ours else socket.close_code)


@asynccontextmanager
async def session(api: Api, **init: Any) -> AsyncIterator[tuple[Session, Line]]:
    """A new session and its first socket."""
    made = await api.create(**init)
    async with line(made.url) as talking:
        yield made, talking


async def proved(
    api: Api,
    made: Session,
    history: History,
    like: list[Json] | None = None,
    result: Json | None = None,
) -> None:
    """Prove that a session which is over kept every promise."""
    history.check(await api.done(made.id), await api.recording(made.id), like, result)


async def spoken_through(api: Api, chunks: Iterable[bytes], **init: Any) -> tuple[Session, Line]:
    """A session from its first to its last message, audio as fast as it is taken."""
    async with session(api, **init) as (made, talking):
        await talking.send(chunks)
        await talking.stop()
        await talking.rest()
    return made, talking


def of_type(messages: Iterable[Json], *kinds: str) -> list[Json]:
    """Messages of some types."""
    return [message for message in messages if message["type"] in kinds]


def finals(messages: Iterable[Json]) -> list[Json]:
    """The data of final transcripts."""
    found = (message["data"] for message in of_type(messages, "transcript"))
    return [data for data in found if data["is_final"]]


def text(messages: Iterable[Json], channel: int = 0) -> str:
    """The words of a channel's finals."""
    utterances = (data["utterance"] for data in finals(messages))
    return "".join(u["text"] for u in utterances if u["channel"] == channel)


def acks(messages: Iterable[Json]) -> list[Json]:
    """Acknowledgements of audio, refusals included."""
    return of_type(messages, "audio_chunk")
