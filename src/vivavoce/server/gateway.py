"""One WebSocket connection of a live session: audio in, acks and messages out. Contract §2."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from vivavoce.audio.wav_header import AudioFormatError
from vivavoce.journal.port import JournalError, SealedError, UnavailableError
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.failures import failure
from vivavoce.protocol.long_text_filter import LongTextFilter
from vivavoce.protocol.messages import (
    AudioChunk,
    BadFinalizeError,
    BadMessageError,
    ChunkRange,
    EndSession,
    Finalize,
    FinalizedMoment,
    Message,
    Transcript,
    UnknownTypeError,
    encode,
    passes,
)
from vivavoce.server.answering import Answering, Owed
from vivavoce.server.coarse_timers import CoarseTimers
from vivavoce.server.metrics import Metrics
from vivavoce.server.mute_watch import MuteWatch
from vivavoce.server.outbound import Outbound, Outgoing, Room, SlowReaderError
from vivavoce.server.read_receipts import ReadReceipts
from vivavoce.server.replies import Replies, acknowledged
from vivavoce.server.texts import Parsed, framed, parsed
from vivavoce.server.websocket.peer import LONG_TEXT, peer_of
from vivavoce.session.arrival import Arrival, DroppedError, GapError
from vivavoce.session.connections import Turn
from vivavoce.session.live import AlreadyStoppedError, Live, Told
from vivavoce.session.ports import Clock

GOING_AWAY = frozenset({1001, 1005})
"""Close codes of a client that leaves without a stop; 1005 is a close frame without a code."""

BROKEN = frozenset({None, 1006})
"""Close codes of a connection that ended without a close frame from the client."""

MOST_UNANSWERED = 256
"""Maximum of chunks read but not durable; reading pauses there until the journal catches up."""

MOST_UNANSWERED_BYTES = 32 * 1024 * 1024
"""Maximum of bytes read but not durable: the size of the largest frame, so one always passes."""

MOST_UNREADABLE = 100
"""Unreadable messages in a row after which the connection is closed."""

log = structlog.get_logger(__name__)

_REFUSALS = (AlreadyStoppedError, AudioFormatError, DroppedError, SealedError, UnavailableError)


class Connection:
    """Serves one client until it leaves, is replaced, or has been sent everything.

    Args:
        websocket: an accepted socket.
        live: its session.
        wall: Unix time, for the timestamps of messages.
        metrics: receives the counts.
        timers: coarse timers, shared by all connections.
        position: byte offset at which the client claims to continue; None if not given.
    """

    def __init__(
        self,
        websocket: WebSocket,
        live: Live,
        wall: Clock,
        metrics: Metrics,
        timers: CoarseTimers,
        position: int | None = None,
    ) -> None:
        self._websocket = websocket
        self._live = live
        self._replies = Replies(live.id, wall)
        self._arrival = Arrival(live, position)
        self._metrics = metrics
        self._peer = peer_of(websocket.scope)
        self._peer.new_text_filter = LongTextFilter
        self._receipts = ReadReceipts(self._peer, live, timers)
        self._outbound = Outbound(Room(), self._merged_ack)
        self._answers = Answering(self._tell_now, self._answer, metrics.count_unanswered)
        self._reading = False  # whether all earlier frames have been processed
        self._mute_watch = MuteWatch(
            live, self._arrival, self._peer, lambda: not self._reading, timers
        )
        self._turn = Turn()
        self._left_with: int | None = None
        self._unreadable = 0
        self._hopeless = asyncio.Event()
        self._complete = False  # the last message has been handed to the socket

    async def serve(self) -> None:
        """Serve the connection from the accepted handshake to its close."""
        code: CloseCode | None = CloseCode.INTERNAL
        self._metrics.connections.inc()
        try:
            code = await self._converse()
        except SlowReaderError as error:
            log.warning("slow_reader_dropped", session=self._live.id, waiting=str(error))
            self._metrics.slow_readers.inc()
            code = CloseCode.TRY_LATER
        finally:
            self._mute_watch.close()
            self._metrics.connections.dec()
            self._metrics.partials_skipped.inc(self._outbound.spared)
            self._metrics.acks_merged.inc(self._outbound.merged)
            self._receipts.close()
            try:
                await self._settle()
            finally:
                self._live.disconnect(
                    self._turn,
                    farewell=self._left_with in GOING_AWAY,
                    # A client may leave with messages unread; it receives them if it returns.
                    in_order=self._left_with not in BROKEN | GOING_AWAY,
                )
                await self._end(code)

    async def _end(self, code: CloseCode | None) -> None:
        """Close; the session finishes only once its client has read everything."""
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
        self._live.suspicions.flush()
        self._mute_watch.start()
        return await self._until_ended()

    async def _settle(self) -> None:
        """Store what was read, even if the client can no longer receive an answer."""
        stops = self._left_with == CloseCode.FINISHED
        await (self._arrival.settle() if stops else self._arrival.leave())
        await self._answers.settled()  # raises the failure of an answer
        if stops and not self._live.stopped:
            await self._live.stop()

    async def _refuse(self, gap: GapError) -> CloseCode | None:
        """Report a gap to a client whose position is ahead of the stored audio."""
        refusal = self._replies.error("audio_gap", str(gap))
        await self._announced(refusal, self._live.announcements(refusal))
        with suppress(WebSocketDisconnect, RuntimeError):  # the client may be gone
            await self._websocket.send_text(encode(refusal).decode())
        return CloseCode.GAP

    async def _until_ended(self) -> CloseCode | None:
        """Run the tasks concurrently and return the close code of the first to finish."""
        parts: dict[str, Coroutine[Any, Any, CloseCode | None]] = {
            "read": self._read(),
            "answer": self._answers.run(),
            "deliver": self._deliver(),
            "send": self._send(),
            "watch": self._watch(),
            "despair": self._despair(),
            "lost": self._lost(),
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
        """Close the socket, unless the client has already disconnected."""
        if code is None or self._websocket.client_state is WebSocketState.DISCONNECTED:
            return
        with suppress(WebSocketDisconnect, RuntimeError):  # the client left during the close
            await self._websocket.close(code, code.reason or self._live.ended_because)

    # -- in ------------------------------------------------------------------------------------

    async def _read(self) -> CloseCode | None:
        self._peer.listen(self._take)
        try:
            while True:
                self._reading = True
                frame = await self._websocket.receive()
                self._reading = False
                if frame["type"] == "websocket.disconnect":
                    self._left_with = frame.get("code")
                    return None
                await self._take_in_turn(frame)
        finally:
            self._peer.listen(None)

    def _take(self, audio: bytes) -> bool:
        """Process a binary frame synchronously; return False if it must be queued."""
        if self._reading and not self._full:
            self._store(audio, self._answers.owe(len(audio)))
            return True
        return False

    async def _take_in_turn(self, frame: Mapping[str, Any]) -> None:
        audio = frame.get("bytes")
        if audio is not None:
            self._store(audio, self._answers.owe(len(audio)))
        else:
            text = frame[LONG_TEXT] if LONG_TEXT in frame else frame["text"]
            read = await parsed(text)
            self._obey(read, self._answers.owe(len(text)))
            if self._answers.at_work:
                await asyncio.sleep(0)  # a stop starts before later audio is processed
        while self._full:
            await self._answers.moved()

    @property
    def _full(self) -> bool:
        most = self._answers.unsettled_bytes >= MOST_UNANSWERED_BYTES
        return most or len(self._answers) >= MOST_UNANSWERED

    def _obey(self, read: Parsed, owed: Owed) -> None:
        try:
            message = read()
        except UnknownTypeError as error:
            self._announce(owed, self._replies.error("invalid_message", str(error)))
        except BadFinalizeError as error:
            self._answers.settle(owed, self._replies.not_finalized(str(error), 400))
        except BadMessageError as error:
            self._unreadable += 1
            if self._unreadable == MOST_UNREADABLE:
                self._hopeless.set()
            self._announce(owed, self._replies.refused(str(error), 400))
        else:
            if isinstance(message, AudioChunk):
                self._store(message.data.chunk, owed)
            elif isinstance(message, Finalize):
                self._finalize(message.channel, owed)
            else:
                self._answers.settle_by(owed, self._stop())

    def _store(self, audio: bytes, owed: Owed) -> None:
        """Pass audio to the journal; a callback settles the answer once the audio is durable."""
        self._unreadable = 0
        acks: list[Message] = []
        told = self._announced_ack(acks) if self._live.herald.wants_acks else None
        try:
            stored = self._arrival.take(audio, told)
        except Exception as error:  # noqa: BLE001  raised again by ``Answering``
            self._refuse_audio(owed, error)
        else:
            stored.add_done_callback(partial(self._stored, owed, acks))
            if audio:
                self._mute_watch.audio(len(audio))

    def _announced_ack(self, acks: list[Message]) -> Told:
        """Return a callback that builds the ack during the commit and appends it to ``acks``.

        The callback returns the announcements of the ack.
        """

        def told(stored: ChunkRange) -> Sequence[bytes]:
            acks.append(self._replies.ack(stored))
            return self._live.announcements(acks[-1])

        return told

    def _stored(
        self, owed: Owed, acks: Sequence[Message], stored: asyncio.Future[ChunkRange]
    ) -> None:
        if stored.cancelled():
            self._answers.fail(owed, asyncio.CancelledError())
        elif error := stored.exception():
            self._refuse_audio(owed, error)
        else:
            known = stored.result()
            if acks:
                self._answers.settle(owed, acks[-1])
            elif self._live.herald.wants_acks:
                # Audio that was already stored is acknowledged again without a commit.
                self._announce(owed, self._replies.ack(known))
            else:
                self._answers.settle(owed, self._replies.ack(known))

    def _refuse_audio(self, owed: Owed, error: BaseException) -> None:
        if isinstance(error, _REFUSALS):
            self._announce(owed, self._replies.refused(str(error), _status_of(error)))
        else:
            self._answers.fail(owed, error)

    def _announce(self, owed: Owed, message: Message) -> None:
        """Settle an answer, after its announcements for callbacks and webhooks are durable."""
        if announcements := self._live.announcements(message):
            self._answers.settle_by(owed, self._announced(message, announcements))
        else:
            self._answers.settle(owed, message)

    async def _announced(self, message: Message, announcements: Sequence[bytes]) -> Message:
        try:
            await self._live.announce(announcements)
        except JournalError as error:
            log.warning("callback_enqueue_failed", session=self._live.id, error=str(error))
        return message

    def _finalize(self, channel: int | None, owed: Owed) -> None:
        """End open utterances after all audio received so far, then settle the answer.

        The answer is sent to this client only: published callback receivers do not know its type.
        """
        channels = self._live.format.channels
        if channel is not None and not 0 <= channel < channels:
            reason = f"the session has no channel {channel}: it has {channels}, counted from 0"
            self._answers.settle(owed, self._replies.not_finalized(reason, 400))
            return
        try:
            position = self._arrival.mark_break(channel)
        except AlreadyStoppedError as error:
            self._answers.settle(owed, self._replies.not_finalized(str(error), _status_of(error)))
        else:
            self._answers.settle_by(owed, self._finalized(channel, position))

    async def _finalized(self, channel: int | None, position: asyncio.Future[int]) -> Message:
        try:
            _, time = self._live.range(0, await position).time_range
        except _REFUSALS as error:
            return self._replies.not_finalized(str(error), _status_of(error))
        return self._replies.finalized(FinalizedMoment(time, channel))

    async def _stop(self) -> Message:
        durations, refusal = None, None
        try:
            durations = await self._arrival.stop()
        except (AlreadyStoppedError, UnavailableError) as error:
            refusal = failure(str(error), _status_of(error))
        stopped = self._replies.stopped(durations, refusal)
        return await self._announced(stopped, self._live.announcements(stopped))

    # -- out -----------------------------------------------------------------------------------

    async def _answer(self, message: Message) -> None:
        await self._tell(message, encode(message).decode())

    def _tell_now(self, message: Message) -> bool:
        """Send an answer at once if no message is queued before it, else queue it."""
        acknowledges = acknowledged(message)
        if not passes(message, self._live.request.messages_config):
            self._live.acknowledged(acknowledges[1])
            return True
        text = encode(message)
        if self._outbound.idle and self._peer.tell(text):
            self._live.acknowledged(acknowledges[1])
            self._receipts.ack_sent(acknowledges[1])
            return True
        return self._outbound.offer(Outgoing(text.decode(), acknowledges=acknowledges))

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
                self._receipts.message_sent()
                self._live.acknowledged(message.acknowledges[1])
                self._receipts.ack_sent(message.acknowledges[1])
        except (WebSocketDisconnect, RuntimeError):
            # The socket broke; the session continues, and its client may reconnect.
            return None

    async def _watch(self) -> CloseCode | None:
        await self._turn.replaced.wait()
        return CloseCode.REPLACED

    async def _lost(self) -> CloseCode | None:
        await self._live.lost.wait()
        return CloseCode.INTERNAL

    async def _despair(self) -> CloseCode | None:
        await self._hopeless.wait()
        return CloseCode.UNREADABLE

    async def _tell(self, message: Message, text: str, sequence: int = 0) -> None:
        acknowledges = acknowledged(message)
        if not passes(message, self._live.request.messages_config):
            # A client that receives no acks resumes after the stored audio.
            self._live.acknowledged(acknowledges[1])
            return
        settles = message.data.id if isinstance(message, Transcript) else None
        outgoing = Outgoing(text, sequence=sequence, acknowledges=acknowledges)
        await self._outbound.put(outgoing, settles=settles)

    def _show(self, message: Message) -> None:
        if isinstance(message, Transcript) and passes(message, self._live.request.messages_config):
            self._outbound.show(encode(message).decode(), message.data.id)

    def _notify(self, code: str, reason: str) -> bool:
        """Send an unsolicited ``error`` message; return False if too many answers are pending."""
        if self._full:
            return False
        self._announce(self._answers.owe(0), self._replies.error(code, reason))
        return True

    def _merged_ack(self, begin: int, end: int) -> str:
        return encode(self._replies.ack(self._live.range(begin, end))).decode()


def _status_of(error: BaseException) -> int:
    """Return the HTTP status for the refusal of audio or of a stop."""
    if isinstance(error, AlreadyStoppedError | SealedError):
        return 409
    return 400 if isinstance(error, AudioFormatError) else 503
