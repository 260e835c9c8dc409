"""A stand-in that speaks the server's side of the protocol over real sockets.

It knows no speech: it stores audio, acknowledges it, and sends the messages it is given. Its use
is to misbehave on command: drop, restart, refuse, be slow.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from vivavoce.protocol.messages import (
    AudioChunkAck,
    ChunkRange,
    Message,
    RecordingDurations,
    StopRecordingAck,
    Transcript,
    TranscriptData,
    encode,
)
from vivavoce.protocol.transcript import Utterance, Word

SESSION = "0b8f3e2c-0000-4000-8000-000000000000"
NOW = "2026-11-21T08:00:00.000Z"
KEY = "a-key"


def transcript(text: str, start: float, end: float, *, final: bool = True, number: int = 0) -> Any:
    """A transcript whose words share the time evenly."""
    names = text.split()
    step = (end - start) / len(names)
    words = tuple(
        Word(f" {name}", start + step * at, start + step * (at + 1), 0.9)
        for at, name in enumerate(names)
    )
    utterance = Utterance(start, end, 0.9, 0, words, f" {text}", "en")
    data = TranscriptData(f"00_{number:08d}", final, utterance)
    return Transcript(session_id=SESSION, created_at=NOW, data=data)


@dataclass
class ProtocolDouble:
    """What the stand-in shall do, and what it saw."""

    drops: list[tuple[int, int | None]] = field(default_factory=list)
    """(bytes received, close code or None for a cut line): one per connection, in order."""
    ack_every: int = 1
    """Frames per acknowledgement; the rest are acknowledged at the stop."""
    refusal: int | None = None
    """HTTP status for every handshake."""
    init_error: tuple[int, bytes] | None = None
    says: Sequence[Message] = ()
    """Messages sent after the stop."""
    raw: Sequence[str] = ()
    """Texts sent as they are, on open."""

    url: str = ""
    stored: bytearray = field(default_factory=bytearray)
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    connections: int = 0
    stops: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """The first audio came."""
    acknowledging: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear it to hold acknowledgements back."""

    def __post_init__(self) -> None:
        self.acknowledging.set()

    async def handle(self, socket: ServerConnection) -> None:
        self.connections += 1
        for text in self.raw:
            await socket.send(text)
        try:
            await self._record(socket)
        except ConnectionClosed:
            return

    async def _record(self, socket: ServerConnection) -> None:
        position = -1
        waiting = 0
        async for frame in socket:
            if isinstance(frame, str):
                await self._stop(socket, position)
                return
            if position < 0:
                position = self._resume_at(frame)
            self.frames.append(len(frame))
            begin, position = position, position + len(frame)
            self.stored[begin:position] = frame
            self.heard.set()
            if self.drops and position >= self.drops[0][0]:
                await self._drop(socket)
                return
            waiting += 1
            if waiting >= self.ack_every:
                await self.acknowledging.wait()
                await self._acknowledge(socket, begin, position)
                waiting = 0

    def _resume_at(self, frame: bytes) -> int:
        """Where a resent tail begins: the tests' audio is noise, so its bytes say it."""
        found = self.stored.find(frame[:64]) if frame else -1
        return found if found >= 0 else len(self.stored)

    async def _drop(self, socket: ServerConnection) -> None:
        _, code = self.drops.pop(0)
        if code is None:
            socket.transport.abort()
        else:
            await socket.close(code)

    async def _acknowledge(self, socket: ServerConnection, begin: int, end: int) -> None:
        span = ChunkRange((begin, end), (begin / 32000, end / 32000))
        ack = AudioChunkAck(session_id=SESSION, created_at=NOW, acknowledged=True, data=span)
        await socket.send(encode(ack).decode())

    async def _stop(self, socket: ServerConnection, position: int) -> None:
        self.stops += 1
        if position >= 0:
            await self._acknowledge(socket, 0, position)
        seconds = RecordingDurations(len(self.stored) / 32000, 0.0)
        ack = StopRecordingAck(
            session_id=SESSION, created_at=NOW, acknowledged=self.stops == 1, data=seconds
        )
        await socket.send(encode(ack).decode())
        for message in self.says:
            await socket.send(encode(message).decode())
        await socket.close(1000)

    def check(self, _socket: ServerConnection, _request: Request) -> Response | None:
        if self.refusal is None:
            return None
        return _socket.respond(HTTPStatus(self.refusal), "no\n")

    def answer(self, method: str, path: str) -> tuple[int, bytes]:
        if method == "POST" and self.init_error:
            return self.init_error
        if method == "POST":
            created = {"id": SESSION, "created_at": NOW, "url": self.url}
            return 201, msgspec.json.encode(created)
        if method == "DELETE":
            return 202, b""
        if path.endswith("/file"):
            return 200, b"RIFF" + bytes(self.stored)
        if path == f"/v2/live/{SESSION}":
            return 200, msgspec.json.encode(self._job())
        return 404, b'{"message":"no such session","request_id":"G-1"}'

    def _job(self) -> dict[str, Any]:
        metadata = {
            "audio_duration": len(self.stored) / 32000,
            "number_of_distinct_channels": 1,
            "billing_time": 1.0,
            "transcription_time": 0.1,
        }
        messages = [encode(message).decode() for message in self.says]
        return {
            "id": SESSION,
            "request_id": "G-0b8f3e2c",
            "status": "done" if self.stops else "processing",
            "created_at": NOW,
            "result": {"metadata": metadata, "messages": messages},
        }

    async def answer_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        method, path, _ = lines[0].split(" ")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((method, path, body))
        status, content = self.answer(method, path)
        if headers.get("x-gladia-key") != KEY:
            status, content = 401, b'{"message":"gladia user not found","request_id":"G-0"}'
        writer.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-length: {len(content)}\r\n"
            "content-type: application/json\r\nconnection: close\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def running(double: ProtocolDouble) -> AsyncIterator[str]:
    """Serve; gives the HTTP address."""
    async with (
        serve(
            double.handle, "127.0.0.1", 0, process_request=double.check, max_size=1 << 20
        ) as sockets,
        await asyncio.start_server(double.answer_http, "127.0.0.1", 0) as http,
    ):
        port = next(iter(sockets.sockets)).getsockname()[1]
        double.url = f"ws://127.0.0.1:{port}/v2/live?token=t"
        yield f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
