"""Handle of one live session: the operations of its connections, its limits and its state."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import structlog

from vivavoce.audio.chunk_inspection import ChunkInspector
from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat
from vivavoce.audio.intake import time_range
from vivavoce.audio.wav_header import HeaderReader
from vivavoce.delivery.announcement import Herald
from vivavoce.journal.port import (
    BreakMarker,
    Entry,
    Journal,
    UnavailableError,
    UnknownSessionError,
)
from vivavoce.journal.port import LiveSession as StoredSession
from vivavoce.protocol.messages import ChunkRange, Message, RecordingDurations
from vivavoce.protocol.request import InitRequest
from vivavoce.session.ack_confirmation import AckConfirmation
from vivavoce.session.connections import Resumes, Turn
from vivavoce.session.ports import Clock
from vivavoce.session.resume import Known, Read
from vivavoce.session.suspicions import Suspicions
from vivavoce.session.telling import Telling

log = structlog.get_logger(__name__)

MOST_BOUNDARIES = 1024
"""Ends of acknowledgements that are kept, as positions where a client may begin to resend."""


WARNING_SECONDS = 60
"""Seconds before the maximum duration at which the client is warned."""


Told = Callable[[ChunkRange], Sequence[bytes]]
"""Returns the announcements of a chunk, given its range in the session."""


class AlreadyStoppedError(Exception):
    """The recording has already ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of sessions, in seconds unless stated otherwise.

    Attributes:
        duration: maximum audio of a session; the recording ends there.
        resume: how long a session waits for its client to reconnect.
        idle: how long a connected client may send nothing.
        farewell: the same as ``resume``, after the client closed with 1001 (going away).
        connect: how long a new session waits for its first connection.
        quiet: how long a connected client may send nothing but empty chunks.
        mute_finalize: time without audio after which the open utterances end; 0: never.
        sessions: number of sessions that an API key may have open at once.
        unopened: number of further sessions of a key that no client has connected to.
        engine: how long a stopped session waits for an engine that cannot start.
    """

    duration: float
    resume: float
    farewell: float
    idle: float
    connect: float
    sessions: int
    quiet: float = 3600
    mute_finalize: float = 1.0
    unopened: int = 1000
    engine: float = 300.0


class Live:
    """A live session; at most one connection at a time is current.

    Attributes:
        on_partial: receives partials for the current connection.
        on_notice: receives a code and a text for the client; returns False if it cannot send them.
        suspicions: reports findings about the audio across connections.
        herald: announces the session's messages to callbacks and webhooks.
        telling: delivery position of the messages.
        acks: which acknowledgements the client has certainly read.
        handed: end of the last acknowledgement that was handed to a socket.
        resumes: counters of resumed connections.
        settled_seconds: returns the seconds up to which every final is emitted; set by the run.
        nothing_open: returns whether no utterance is open at a byte of the audio; set by the run.
        recording: set once audio has been stored.
        finished: set once the client has received all messages.
        lost: set once the session has ended with a failure; its connection is closed.
        transcribing: whether finals may still follow.
        ever_connected: whether a client has connected at least once.
        ended_because: why the server ended the recording; empty if the client ended it.
        known_since: when the session was created, recovered or first connected to (monotonic).
    """

    def __init__(
        self,
        stored: StoredSession,
        request: InitRequest,
        audio_format: AudioFormat,
        journal: Journal,
        limits: Limits,
        monotonic: Clock,
        *,
        resumes: Resumes,
    ) -> None:
        self.id = stored.session.id
        self.owner = stored.session.owner
        self.token_hash = stored.session.token_hash
        self.created_at = stored.session.created_at
        self.request = request
        self.format = audio_format
        self.herald = Herald(self.id, self.owner, request)
        self.telling = Telling()
        self.acks = AckConfirmation()
        self.on_partial: Callable[[Message], None] | None = None
        self.on_notice: Callable[[str, str], bool] | None = None
        self.suspicions = Suspicions(self.notify)
        self.settled_seconds: Callable[[], float] = lambda: 0.0
        self.nothing_open: Callable[[int], bool] = _never
        self.finished = asyncio.Event()
        self.recording = asyncio.Event()
        self.lost = asyncio.Event()
        self.transcribing = False
        self._journal = journal
        self._limits = limits
        self._monotonic = monotonic
        self._header = HeaderReader(audio_format)
        # The longest recording has at least this many bytes: a header adds no time.
        self._enough = int(limits.duration * audio_format.bytes_per_second)
        self._inspector = ChunkInspector(audio_format, from_start=not stored.audio_end)
        self._under_way: set[asyncio.Task[None]] = set()
        self._audio_end = stored.audio_end
        self._taken = stored.audio_end  # includes audio that is still being stored
        # After a restart it is unknown which acks were sent; the resent audio determines it.
        self.handed = stored.audio_end
        self._boundaries = deque([0], MOST_BOUNDARIES)
        self.resumes = resumes
        if stored.audio_end:
            self.recording.set()
        self._stopped = stored.sealed
        self._since = self._audio_since = self.known_since = monotonic()
        self._before = stored.audio_end
        self._connected = False
        self._farewell = False
        self.ever_connected = stored.audio_end > 0
        self._turn: Turn | None = None
        self.ended_because = ""

    # -- audio ---------------------------------------------------------------------------------

    def append(self, audio: bytes, told: Told | None = None) -> asyncio.Future[ChunkRange]:
        """Append audio; the future resolves once the audio and its announcements are durable.

        The future has no task of its own: there is one for every chunk of every session.

        Raises:
            AudioFormatError: immediately, if a WAV header contradicts the session's format.
            AlreadyStoppedError: immediately, after the end of the recording.
            UnavailableError: the journal cannot store it (raised by the future).
        """
        self.touch(len(audio))
        full = self._taken >= self._enough and self._seconds(self._taken) >= self._limits.duration
        if self._stopped or full:
            raise AlreadyStoppedError("the recording has been stopped")
        if self._header.size is None:
            self._header.feed(audio)
        self._taken += len(audio)
        for finding in self._inspector.inspect(audio, self._since):
            self.report(finding)
        self.suspicions.flush()
        announce = partial(self._announced, told) if told else None
        journaled = self._journal.append_audio(self.id, audio, announce)
        stored = asyncio.ensure_future(journaled)
        # The loop of the future: looking up the running loop takes a system call each time.
        answer: asyncio.Future[ChunkRange] = stored.get_loop().create_future()
        stored.add_done_callback(partial(self._settle, len(audio), answer))
        return answer

    def _announced(self, told: Told, start: int, end: int) -> Sequence[bytes]:
        return told(self.range(start, end))

    def _settle(
        self,
        size: int,
        answer: asyncio.Future[ChunkRange],
        stored: asyncio.Future[tuple[int, int]],
    ) -> None:
        """Resolve the future of a chunk; only errors and the duration limit need a task."""
        if stored.cancelled():
            answer.cancel()
        elif error := stored.exception():
            self._later(self._refuse(error, size, answer))
        else:
            start, end = stored.result()
            self._note(end)
            known = self.range(start, end)
            before, now = known.time_range
            self.resumes.audio_seconds += now - before
            if now < self._limits.duration - WARNING_SECONDS:
                _give(answer, known)
            else:
                self._later(self._mind_duration(known, answer))

    def _note(self, end: int) -> None:
        self._audio_end = max(self._audio_end, end)
        if end and not self.recording.is_set():
            self.recording.set()

    async def _refuse(
        self, error: BaseException, size: int, answer: asyncio.Future[ChunkRange]
    ) -> None:
        if isinstance(error, UnavailableError):
            # The client will resend it: the header must be read from the stored audio.
            self._taken -= size
            self._header = HeaderReader(self.format)
            try:
                await self.restore()
            except Exception as worse:  # noqa: BLE001  raised to the caller by the future
                error = worse
        if not answer.done():
            answer.set_exception(error)

    async def _mind_duration(self, known: ChunkRange, answer: asyncio.Future[ChunkRange]) -> None:
        """Warn once before the maximum duration, and end the recording there."""
        limit = self._limits.duration
        before, now = known.time_range
        try:
            if now >= limit and not self._stopped:
                await self.end_early("duration_limit", f"the recording ends at {limit:g} s")
            elif before < limit - WARNING_SECONDS <= now:
                self.notify("duration_limit", f"the recording will end at {limit:g} s")
        except Exception as error:  # noqa: BLE001  raised to the caller by the future
            if not answer.done():
                answer.set_exception(error)
        else:
            _give(answer, known)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"answer for audio {self.id}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def touch(self, size: int) -> None:
        """Record that the client has sent a chunk of ``size`` bytes."""
        self._since = self._monotonic()
        if size:
            self._audio_since = self._since

    @property
    def audio_at(self) -> float:
        """When audio last arrived, on the clock of ``monotonic``."""
        return self._audio_since

    @property
    def monotonic(self) -> Clock:
        """The monotonic clock of the session."""
        return self._monotonic

    @property
    def mute_finalize(self) -> float:
        """Seconds without audio of a connected client after which open utterances end; 0: never.

        See ``Limits``.
        """
        return self._limits.mute_finalize

    @property
    def settled(self) -> bool:
        """Whether no utterance is open and received audio cannot begin one."""
        return self._stopped or not self._taken or self.nothing_open(self._taken)

    def mark_break(self, channel: int | None = None) -> asyncio.Future[BreakMarker]:
        """End the open utterances after all appended audio; the future resolves once durable.

        Raises:
            AlreadyStoppedError: immediately, after the end of the recording.
            SealedError: the recording has ended meanwhile (raised by the future).
            UnavailableError: the journal cannot store the marker (raised by the future).
        """
        if self._stopped:
            raise AlreadyStoppedError("the recording has been stopped")
        return asyncio.ensure_future(self._journal.mark_break(self.id, channel))

    async def known(self) -> Known:
        """Return the stored positions that a returning client's audio is aligned with."""
        stored = await self._journal.find(self.id)
        if stored is None:
            raise UnknownSessionError(self.id)
        return Known(
            stored.audio_end,
            min(self.handed, stored.audio_end),
            tuple(self._boundaries),
            min(self.acks.confirmed, stored.audio_end),
        )

    async def read(self, wanted: Read) -> bytes:
        """Return stored audio."""
        return await self._journal.read_audio(self.id, wanted.start, wanted.end)

    def known_range(self, end: int, size: int) -> ChunkRange:
        """Return the range to acknowledge for ``size`` stored bytes that end at ``end``.

        Its end is never lower than that of an acknowledgement already sent, which holds as well:
        clients expect ascending ends.
        """
        return self.range(end - size, max(end, self.handed))

    def range(self, start: int, end: int) -> ChunkRange:
        """Return a byte range of the session with its time range in seconds."""
        header_bytes = self._header.size or 0
        begin, until = time_range(self.format, header_bytes=header_bytes, byte_range=(start, end))
        return ChunkRange((start, end), (round(begin, 3), round(until, 3)))

    def acknowledged(self, end: int) -> None:
        """Record that an acknowledgement up to ``end`` was handed to a socket."""
        if end > self.handed:
            self._boundaries.append(self.handed)
            self.handed = end

    async def stop(self) -> RecordingDurations:
        """End the recording after all appended audio; durable when this returns.

        Raises:
            AlreadyStoppedError: it has already ended.
        """
        if self._stopped:
            raise AlreadyStoppedError("Recording already stopped")
        await self.end()
        self.suspicions.flush()
        duration = self._seconds(self._audio_end)
        left = max(duration - self.settled_seconds(), 0.0)
        return RecordingDurations(round(duration, 3), round(left, 3))

    async def end(self) -> None:
        """End the recording; durable when this returns. Idempotent.

        Raises:
            UnavailableError: the journal cannot store the end now; the recording continues.
        """
        stopped, self._stopped = self._stopped, True
        try:
            self._audio_end = await self._journal.seal(self.id)
        except UnavailableError:
            self._stopped = stopped
            raise

    async def end_early(self, code: str, reason: str) -> None:
        """End the recording at a limit; the client receives an ``error`` message with the reason.

        The close frame at the end of the session repeats the reason.

        Raises:
            UnavailableError: as ``end`` does.
        """
        self.notify(code, reason)
        await self.end()
        self.ended_because = f"{code}: {reason}"

    @property
    def stopped(self) -> bool:
        """Whether the recording has ended."""
        return self._stopped

    def _seconds(self, position: int) -> float:
        return self.range(0, position).time_range[1]

    @property
    def heard_seconds(self) -> float:
        """Seconds of audio that this process has stored; a WAV header counts as audio."""
        return self.format.seconds(self._audio_end - self._before)

    async def restore(self) -> None:
        """Read a WAV header again from the stored audio, after a restart."""
        position = 0
        while self._header.size is None and position < self._audio_end:
            head = await self._journal.read_audio(self.id, position, position + 4096)
            self._header.feed(head)
            position += len(head)

    # -- messages ------------------------------------------------------------------------------

    @property
    def delivered(self) -> int:
        """Sequence number of the last message that the client has certainly received."""
        return self.telling.delivered

    def sent(self, sequence: int) -> None:
        """Record that a message was handed to the client's socket."""
        self.telling.sent(sequence)

    def messages(self) -> AsyncGenerator[Entry, None]:
        """Yield the messages that the client may not have received, then new ones."""
        return self._journal.tail_messages(self.id, self.delivered)

    def announcements(self, *messages: Message) -> Sequence[bytes]:
        """Return what to commit with these messages, for callbacks and webhooks."""
        return self.herald.announcements(*messages)

    async def announce(self, announcements: Sequence[bytes]) -> None:
        """Commit announcements for callbacks and webhooks on their own.

        Raises:
            JournalError: the journal cannot store them.
        """
        if announcements:
            await self._journal.commit(self.id, [], announcements=announcements)

    def show(self, message: Message) -> None:
        """Pass a partial on to the current connection."""
        if self.on_partial is not None:
            self.on_partial(message)

    def notify(self, code: str, reason: str) -> bool:
        """Send a notice to the current connection; return False if none can send it."""
        return self.on_notice is not None and self.on_notice(code, reason)

    def report(self, finding: Finding) -> None:
        """Report to the client, once per kind, that its audio differs from the declared format."""
        if finding.kind == "shifted" and (odd := self._inspector.odd_chunk):
            number, size = odd
            text = f"{finding.text} (chunk {number} of this session had {size} bytes)"
            finding = msgspec.structs.replace(finding, text=text)
        if self.suspicions.add(finding):
            log.info("suspicious_audio_found", session=self.id, kind=finding.kind)

    # -- connections ---------------------------------------------------------------------------

    async def connect(self, turn: Turn) -> None:
        """Make a connection the current one, after the previous one has ended."""
        before, self._turn = self._turn, turn
        self._since = self._monotonic()
        if not self.ever_connected:
            self.known_since = self._audio_since = self._since
        self._connected = self.ever_connected = True
        if before is not None:
            before.replaced.set()
            await before.over.wait()

    def disconnect(self, turn: Turn, *, farewell: bool = False, in_order: bool = False) -> None:
        """Record that a connection has ended and everything it read is stored or discarded.

        Args:
            turn: the connection's period as the current one.
            farewell: whether the client said that it was going away.
            in_order: whether the connection was closed properly and did not break.
        """
        self.telling.ended(in_order=in_order)
        self.acks.disconnected()
        turn.over.set()
        if self._turn is not turn:
            return
        self._turn = self.on_partial = self.on_notice = None
        self._connected = False
        self._farewell = farewell
        self._since = self._monotonic()

    @property
    def abandoned(self) -> bool:
        """Whether the client has exceeded a limit for connecting or sending."""
        return self.overdue is not None

    @property
    def lapse(self) -> str:
        """Which limit the client of an ``overdue`` session has exceeded, as text."""
        limit = f"{self.overdue or 0:g} s"
        if not self._connected:
            return f"no client came back within {limit}"
        if self._monotonic() - self._since > self._limits.idle:
            return f"no audio came for {limit}"
        return f"nothing but empty chunks came for {limit}"

    @property
    def overdue(self) -> float | None:
        """The limit in seconds that the client has exceeded; None while it is in time."""
        if self._stopped:
            return None
        now, limits, limit = self._monotonic(), self._limits, self._limits.connect
        if self.ever_connected:
            away = limits.farewell if self._farewell else limits.resume
            limit = limits.idle if self._connected else away
        if now - self._since > limit:
            return limit
        # A client that reconnects at the last moment still has time to send audio.
        quiet = max(limits.quiet, limits.resume + limits.idle)
        return quiet if self._connected and now - self._audio_since > quiet else None

    @property
    def forsaken(self) -> bool:
        """Whether no client can fetch the messages of this finished session any more."""
        return not self._connected and self._monotonic() - self._since > self._limits.resume


def _never(_end: int) -> bool:
    return False


def _give(answer: asyncio.Future[ChunkRange], known: ChunkRange) -> None:
    if not answer.done():  # the waiting task may have been cancelled
        answer.set_result(known)
