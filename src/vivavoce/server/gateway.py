"""One WebSocket connection of a live session: frames in, acks and messages out. Contract §2."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing, suppress
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from vivavoce.audio.suspicion import suspicion
from vivavoce.audio.wav_header import AudioFormatError
from vivavoce.journal.port import JournalError, SealedError, UnavailableError
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.messages import (
    AudioChunk,
    AudioChunkAck,
    BadMessageError,
    ChunkRange,
    EndSession,
    ErrorDetail,
    ErrorMessage,
    Failure,
    Message,
    StopRecordingAck,
    Transcript,
    UnknownTypeError,
    encode,
    passes,
)
from vivavoce.protocol.timestamps import iso
from vivavoce.server.line import peer_of
from vivavoce.server.metrics import Metrics
from vivavoce.server.outbound import Outbound, Outgoing, Room, SlowReaderError
from vivavoce.server.pace import Pace
from vivavoce.server.texts import Parsed, framed, parsed
from vivavoce.session.arrival import Arrival, DroppedError, GapError
from vivavoce.session.connections import Turn
from vivavoce.session.live import AlreadyStoppedError, Live
from vivavoce.session.ports import Clock

GOING_AWAY = 1001
"""A client that closes with it is done, but did not say stop."""

BROKEN = frozenset({None, 1005, 1006})
"""How a connection ends whose client has not said that it leaves."""

MOST_UNANSWERED = 256
"""Chunks read but not yet durable; past it the socket is not read until the journal catches up."""

MOST_UNANSWERED_BYTES = 32 * 1024 * 1024
"""The same in bytes: as much as the largest frame, so that one always passes."""

MOST_UNREADABLE = 100
"""Unreadable messages in a row; a client that sends so many is broken, or an attacker."""

FRAMES_PER_SECOND = 1000
FRAMES_AT_ONCE = 4000
"""Floods of tiny frames are read no faster: they cost far more than the audio in them is worth.
Audio in frames of 100 ms may still come at a hundred times real time."""

log = structlog.get_logger(__name__)

_REFUSALS = (AlreadyStoppedError, AudioFormatError, DroppedError, SealedError, UnavailableError)


class Connection:
    """Speaks for one client until it leaves, is replaced, or has been sent everything.

    Args:
        websocket: an accepted socket.
        live: its session.
        wall: Unix time, to date messages.
        metrics: what to count in.
        position: where the client says that its audio goes on; None if it does not say.
    """

    def __init__(
        self,
        websocket: WebSocket,
        live: Live,
        wall: Clock,
        metrics: Metrics,
        position: int | None = None,
    ) -> None:
        self._websocket = websocket
        self._live = live
        self._wall = wall
        self._arrival = Arrival(live, position)
        self._metrics = metrics
        self._peer = peer_of(websocket.scope)
        self._outbound = Outbound(Room(), self._merged_ack)
        # Answers leave in the order of the frames, each when it is true.
        self._answers: asyncio.Queue[asyncio.Task[Message]] = asyncio.Queue(MOST_UNANSWERED)
        self._unanswered: set[asyncio.Task[Message]] = set()
        self._unanswered_bytes = 0
        self._answered = asyncio.Event()
        self._turn = Turn()
        self._left_with: int | None = None
        self._unreadable = 0
        self._hopeless = asyncio.Event()
        self._complete = False  # the last message has been handed to the socket

    async def serve(self) -> None:
        """Run the connection from the accepted handshake to its close."""
        code: CloseCode | None = CloseCode.INTERNAL
        self._metrics.connections.inc()
        try:
            code = await self._converse()
        except SlowReaderError as error:
            log.warning("slow_reader_dropped", session=self._live.id, waiting=str(error))
            self._metrics.slow_readers.inc()
            code = CloseCode.TRY_LATER
        finally:
            self._metrics.connections.dec()
            self._metrics.partials_skipped.inc(self._outbound.spared)
            self._metrics.acks_merged.inc(self._outbound.merged)
            try:
                await self._settle()
            finally:
                self._live.disconnect(
                    self._turn,
                    farewell=self._left_with == GOING_AWAY,
                    in_order=self._left_with not in BROKEN,
                )
                await self._end(code)

    async def _end(self, code: CloseCode | None) -> None:
        """Close. The session is over when its client has read everything, not when we sent it."""
        await self._close(code)
        if self._complete and (
            self._left_with not in BROKEN or await asyncio.shield(self._peer.confirmed)
        ):
            self._live.finished.set()

    async def _converse(self) -> CloseCode | None:
        await self._live.connect(self._turn)
        try:
            await self._arrival.open()
        except GapError as gap:
            return await self._refuse(gap)
        self._live.on_partial = self._show
        self._live.on_notice = self._notify
        return await self._until_ended()

    async def _settle(self) -> None:
        """Store what was read, whether or not its sender can still be told."""
        stops = self._left_with == CloseCode.FINISHED
        await (self._arrival.settle() if stops else self._arrival.leave())
        if self._unanswered:
            answered, _ = await asyncio.wait(set(self._unanswered))
            for answer in answered:
                answer.result()  # raises what went wrong here
        if stops and not self._live.stopped:
            await self._live.stop()

    async def _refuse(self, gap: GapError) -> CloseCode | None:
        """Tell a client that claims to be ahead where it has to go on."""
        refusal = await self._announced(self._error("audio_gap", str(gap)))
        with suppress(WebSocketDisconnect, RuntimeError):  # it may have gone already
            await self._websocket.send_text(encode(refusal).decode())
        return CloseCode.GAP

    async def _until_ended(self) -> CloseCode | None:
        """Run the parts side by side; the first to return says how the connection ends."""
        parts = {
            "read": self._read(),
            "answer": self._answer(),
            "deliver": self._deliver(),
            "send": self._send(),
            "watch": self._watch(),
            "despair": self._despair(),
        }
        tasks = [
            asyncio.create_task(part, name=f"{name} {self._live.id}")
            for name, part in parts.items()
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next(iter(done)).result()

    async def _close(self, code: CloseCode | None) -> None:
        """Close the socket, unless the client has gone first."""
        if code is None or self._websocket.client_state is WebSocketState.DISCONNECTED:
            return
        with suppress(WebSocketDisconnect, RuntimeError):  # it went while we were closing
            await self._websocket.close(code)

    # -- in ------------------------------------------------------------------------------------

    async def _read(self) -> CloseCode | None:
        clock = asyncio.get_running_loop().time
        pace = Pace(FRAMES_PER_SECOND, FRAMES_AT_ONCE, clock())
        while True:
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                self._left_with = frame.get("code")
                return None
            binary = frame.get("bytes")
            if binary is not None:
                answer = self._store(binary)
            else:
                answer = self._obey(await parsed(frame["text"]))
            size = len(frame["text"] if binary is None else binary)
            await self._answers.put(self._begin(answer, size))
            while self._unanswered_bytes >= MOST_UNANSWERED_BYTES:
                self._answered.clear()
                await self._answered.wait()
            if delay := pace.delay(clock()):
                await asyncio.sleep(delay)

    def _begin(self, answer: Coroutine[Any, Any, Message], size: int = 0) -> asyncio.Task[Message]:
        task = asyncio.create_task(answer, name=f"answer {self._live.id}")
        self._unanswered.add(task)
        self._unanswered_bytes += size
        self._metrics.acks_outstanding.inc()
        task.add_done_callback(lambda task: self._settled(task, size))
        return task

    def _settled(self, task: asyncio.Task[Message], size: int) -> None:
        self._unanswered.discard(task)
        self._unanswered_bytes -= size
        self._metrics.acks_outstanding.dec()
        self._answered.set()

    async def _obey(self, read: Parsed) -> Message:
        try:
            message = read()
        except UnknownTypeError as error:
            return await self._announced(self._error("invalid_message", str(error)))
        except BadMessageError as error:
            self._unreadable += 1
            if self._unreadable == MOST_UNREADABLE:
                self._hopeless.set()
            return await self._announced(self._ack(None, str(error)))
        if isinstance(message, AudioChunk):
            return await self._store(message.data.chunk)
        return await self._announced(await self._stop())

    async def _store(self, audio: bytes) -> Message:
        self._unreadable = 0
        acks: list[Message] = []

        def told(stored: ChunkRange) -> Sequence[bytes]:
            acks.append(self._ack(stored))
            return self._live.announcements(acks[-1])

        try:
            stored = await self._arrival.take(audio, told if self._live.herald.wants_acks else None)
        except _REFUSALS as error:
            return await self._announced(self._ack(None, str(error)))
        if stored.byte_range[0] == 0 and (kind := suspicion(audio)):
            self._notify("suspicious_audio", f"the audio looks like {kind}, not like samples")
        # What had been stored before is acknowledged again without a commit of its own.
        return acks[-1] if acks else await self._announced(self._ack(stored))

    async def _announced(self, message: Message) -> Message:
        """The message, once those told outside are certain to hear of it as well."""
        try:
            await self._live.announce(message)
        except JournalError as error:
            log.warning("message_not_announced", session=self._live.id, error=str(error))
        return message

    async def _stop(self) -> Message:
        durations, failure = None, None
        try:
            durations = await self._arrival.stop()
        except (AlreadyStoppedError, UnavailableError) as error:
            failure = Failure(str(error))
        return StopRecordingAck(
            session_id=self._live.id,
            created_at=self._now(),
            acknowledged=failure is None,
            error=failure,
            data=durations,
        )

    # -- out -----------------------------------------------------------------------------------

    async def _answer(self) -> CloseCode | None:
        while True:
            task = await self._answers.get()
            message = await asyncio.shield(task)
            await self._tell(message, encode(message).decode())

    async def _deliver(self) -> CloseCode | None:
        async with aclosing(self._live.messages()) as entries:
            async for entry in entries:
                message, text = await framed(entry.message)
                await self._tell(message, text, entry.sequence)
                if isinstance(message, EndSession):
                    await self._outbound.drained()
                    self._complete = True
                    return CloseCode.FINISHED
        return CloseCode.INTERNAL

    async def _send(self) -> CloseCode | None:
        try:
            while True:
                message = await self._outbound.next()
                await self._websocket.send_text(message.text)
                self._outbound.sent()
                self._live.sent(message.sequence)
                self._ask()
                self._live.acknowledged(message.acknowledges[1])
        except (WebSocketDisconnect, RuntimeError):
            # The socket broke under us; the session goes on, and so may its client.
            return None

    def _ask(self) -> None:
        """Have the client prove that it has read the messages so far, one question at a time."""
        telling = self._live.telling
        if self._peer.asked or telling.handed == telling.delivered:
            return
        asked = telling.handed

        def read() -> None:
            telling.arrived(asked)
            self._ask()

        self._peer.ask(read)

    async def _watch(self) -> CloseCode | None:
        await self._turn.replaced.wait()
        return CloseCode.REPLACED

    async def _despair(self) -> CloseCode | None:
        await self._hopeless.wait()
        return CloseCode.UNREADABLE

    async def _tell(self, message: Message, text: str, sequence: int = 0) -> None:
        acknowledges = _acknowledged(message)
        if not passes(message, self._live.request.messages_config):
            # A client that is told nothing keeps nothing: it goes on behind what is stored.
            self._live.acknowledged(acknowledges[1])
            return
        settles = message.data.id if isinstance(message, Transcript) else None
        outgoing = Outgoing(text, sequence=sequence, acknowledges=acknowledges)
        await self._outbound.put(outgoing, settles=settles)

    def _show(self, message: Message) -> None:
        if isinstance(message, Transcript) and passes(message, self._live.request.messages_config):
            self._outbound.show(encode(message).decode(), message.data.id)

    def _notify(self, code: str, reason: str) -> None:
        """Tell the client something that answers nothing; dropped where too much waits."""

        async def notice() -> Message:
            return await self._announced(self._error(code, reason))

        if not self._answers.full():
            self._answers.put_nowait(self._begin(notice()))

    def _ack(self, stored: ChunkRange | None, reason: str = "") -> AudioChunkAck:
        return AudioChunkAck(
            session_id=self._live.id,
            created_at=self._now(),
            acknowledged=stored is not None,
            error=Failure(reason) if reason else None,
            data=stored,
        )

    def _merged_ack(self, begin: int, end: int) -> str:
        return encode(self._ack(self._live.range(begin, end))).decode()

    def _error(self, code: str, reason: str) -> ErrorMessage:
        return ErrorMessage(
            session_id=self._live.id,
            created_at=self._now(),
            error=Failure(reason),
            data=ErrorDetail(code, reason),
        )

    def _now(self) -> str:
        return iso(self._wall())


def _acknowledged(message: Message) -> tuple[int, int]:
    """Begin and end of the audio that a message acknowledges, zeros for none."""
    if isinstance(message, AudioChunkAck) and message.data is not None:
        return message.data.byte_range
    return 0, 0
