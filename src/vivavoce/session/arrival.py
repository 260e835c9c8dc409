"""Pass one connection's audio to the journal without storing resent audio twice.

A client that reconnects resends audio. Its frames are held here, unacknowledged, until the position
at which they begin is known. From the first new byte on, audio goes directly to the journal.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import cast

import structlog

from vivavoce.journal.port import BreakMarker, UnavailableError
from vivavoce.protocol.messages import ChunkRange, RecordingDurations
from vivavoce.session.live import AlreadyStoppedError, Live, Told
from vivavoce.session.resume import Finding, More, Overlap, Read, Start, find_start

log = structlog.get_logger(__name__)

QUIET_SECONDS = 1.0
"""Time in seconds without a frame after which the client is assumed to have sent all it had."""

PATIENCE_SECONDS = 3.0
"""Maximum time, in seconds, to hold audio that may be new or resent (usually silence)."""


class GapError(Exception):
    """The client declares a position beyond the end of the stored audio.

    Attributes:
        expected: the position from which audio is missing.
    """

    def __init__(self, expected: int) -> None:
        super().__init__(f"audio is missing: go on at byte {expected}")
        self.expected = expected


class DroppedError(Exception):
    """The connection ended before its audio was aligned; the client still has that audio."""


@dataclass(slots=True)
class _Held:
    """A held frame; its first ``skip`` bytes are already stored."""

    audio: bytes
    answer: asyncio.Future[ChunkRange]
    told: Told | None
    skip: int = 0


@dataclass(slots=True)
class _HeldBreak:
    """A break marker held in order among the frames; ``answer`` resolves to its position."""

    channel: int | None
    answer: asyncio.Future[int]


class Arrival:
    """Receive the audio frames of one connection.

    Args:
        live: the session.
        position: byte position of the first frame as declared by the client; None if undeclared.
    """

    def __init__(self, live: Live, position: int | None = None) -> None:
        self._live = live
        self._position = position
        self._held: deque[_Held | _HeldBreak] = deque()
        self._seen = 0
        self._came = asyncio.Event()
        self._last = False
        self._aligned = False
        self._overlap: Overlap | None = None
        self._task: asyncio.Task[None] | None = None
        self._storing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Read what is stored; from now on no other connection may append to it.

        Raises:
            GapError: the client's position is beyond the stored audio.
        """
        self._known = await self._live.known()
        if self._position is not None and self._position > self._known.end:
            raise GapError(self._known.end)
        self._aligned = self._known.end == 0

    def take(self, audio: bytes, told: Told | None = None) -> asyncio.Future[ChunkRange]:
        """Receive a frame; the answer resolves once all of it is durable. Frames keep their order.

        ``told`` returns the outbox events for the frame, written in the commit that stores it.
        Audio that is already stored, or is refused, creates no events here.

        Raises:
            AlreadyStoppedError: immediately, after the end of the recording.
            AudioFormatError: as ``Live.append`` does.
            DroppedError, UnavailableError: the frame is not stored (raised by the answer).
        """
        if self._last:
            raise AlreadyStoppedError("the recording has been stopped")
        if self._aligned:
            return self._live.append(audio, told)
        self._live.touch(len(audio))
        held = _Held(audio, asyncio.get_running_loop().create_future(), told)
        if not audio:
            held.answer.set_result(self._live.known_range(self._live.handed, 0))
            return held.answer
        self._held.append(held)
        self._came.set()
        if self._task is None:
            self._task = asyncio.create_task(self._align(), name=f"align {self._live.id}")
        return held.answer

    @property
    def holding(self) -> bool:
        """Whether audio is held here that the session has not received."""
        return not self._aligned and bool(self._held or self._storing)

    def mark_break(self, channel: int | None = None) -> asyncio.Future[int]:
        """End open utterances after all audio received so far; the answer is the durable position.

        If the surrounding audio is already stored, so is the marker (frames keep their order):
        the answer is its position, and no new marker is written.

        Raises:
            AlreadyStoppedError: immediately, after the end of the recording.
            DroppedError, SealedError, UnavailableError: as for audio (raised by the answer).
        """
        if self._last:
            raise AlreadyStoppedError("the recording has been stopped")
        held = _HeldBreak(channel, asyncio.get_running_loop().create_future())
        if self.holding:
            self._held.append(held)
            self._came.set()
        elif (stored := self._repeating_at) is not None:
            held.answer.set_result(stored)
        else:
            self._mark(held)
        return held.answer

    @property
    def _repeating_at(self) -> int | None:
        """Position of the next byte while the client resends stored audio; None afterwards."""
        if self._overlap is not None:
            return None if self._overlap.over else self._overlap.position
        known = self._position is not None and self._position < self._known.end
        return self._position if known else None

    def _mark(self, held: _HeldBreak) -> None:
        """Write a break marker to the journal; its order is fixed when this returns."""
        marked = self._live.mark_break(held.channel)
        marked.add_done_callback(partial(_answer_break, held.answer))

    async def settle(self) -> None:
        """Align all held audio once no more can arrive. Its answers may still be outstanding."""
        self._last = True
        self._came.set()
        if self._task is not None and not self._task.done():
            await asyncio.gather(self._task, return_exceptions=True)

    async def stop(self) -> RecordingDurations:
        """End the recording after all received audio; the end is durable when this returns.

        Raises:
            AlreadyStoppedError: the recording has already ended.
            UnavailableError: the journal cannot store the end now; the recording continues.
        """
        await self.settle()
        try:
            return await self._live.stop()
        except UnavailableError:
            self._last = False
            raise

    async def leave(self) -> None:
        """Handle a disconnect: drop audio that is not aligned yet, as the client will resend it."""
        if self._task is not None and self._overlap is None:
            self._task.cancel()
        await self.settle()

    async def _align(self) -> None:
        try:
            self._overlap = await self._find_overlap()
            await self._skip(self._overlap)
            await self._store_held()
        except asyncio.CancelledError:
            self._fail(DroppedError("the connection ended"))
            raise
        except Exception as error:  # noqa: BLE001  the callers that await an answer raise it
            self._fail(error)

    async def _find_overlap(self) -> Overlap:
        tally = self._live.resumes
        tally.resumes += 1
        if self._position is not None:
            return Overlap(self._position, self._known.end)
        if self._known.confirmed == self._known.end:
            return Overlap(self._known.end, self._known.end)
        start = await self._find_start()
        tally.ambiguous += start.ambiguous
        log.info(
            "audio_resumed",
            session=self._live.id,
            position=start.position,
            stored=self._known.end,
            acknowledged=self._known.handed,
            ambiguous=start.ambiguous,
        )
        return Overlap(start.position, self._known.end)

    async def _find_start(self) -> Start:
        """Find the start in a thread: comparing and compressing megabytes takes up to 0.1 s."""
        began = asyncio.get_running_loop().time()
        finding = find_start(self._known)
        asked: Read | More | Start = next(finding)
        while not isinstance(asked, Start):
            if isinstance(asked, Read):
                stored = await self._live.read(asked)
                asked, _ = await asyncio.to_thread(_advance, finding, [stored])
            else:
                frames = await self._more(began)
                asked, used = await asyncio.to_thread(_advance, finding, frames or [None])
                self._seen += min(used, len(frames))
        return asked

    async def _more(self, began: float) -> Sequence[bytes]:
        """Return the frames not examined yet; empty if none arrives before the deadline."""
        loop = asyncio.get_running_loop()
        deadline = min(loop.time() + QUIET_SECONDS, began + PATIENCE_SECONDS)
        if not await self._wait_beyond(self._seen, deadline):
            return ()
        unseen = islice(self._held, self._seen, None)
        return [held.audio if isinstance(held, _Held) else b"" for held in unseen]

    async def _wait_beyond(self, count: int, deadline: float | None) -> bool:
        """Wait until more than ``count`` frames are held; return False at the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                while len(self._held) <= count and not self._last:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            return False
        return len(self._held) > count

    async def _skip(self, overlap: Overlap) -> None:
        """Acknowledge again the resent audio that is already stored."""
        begin = overlap.position
        while not overlap.over and await self._wait_beyond(0, None):
            held = self._held[0]
            if isinstance(held, _HeldBreak):
                self._held.popleft()
                if not held.answer.done():
                    held.answer.set_result(overlap.position)
                continue
            while held.skip < len(held.audio) and not overlap.over:
                wanted = overlap.wanted(len(held.audio) - held.skip)
                stored = await self._live.read(wanted)
                again = held.audio[held.skip : held.skip + len(stored)]
                held.skip += overlap.match(again, stored)
            if held.skip == len(held.audio):
                self._held.popleft()
                _answer(held, self._live.known_range(overlap.position, held.skip))
        self._live.resumes.resent_bytes += overlap.position - begin
        if overlap.differs:
            self._live.resumes.differing += 1
            log.warning("resent_audio_differs", session=self._live.id, position=overlap.position)

    async def _store_held(self) -> None:
        """Append the held frames to the journal, ahead of every later frame."""
        while self._held:
            frames, self._held = self._held, deque()
            for held in frames:
                work = self._store(held) if isinstance(held, _Held) else self._store_break(held)
                task = asyncio.create_task(work, name=f"store {self._live.id}")
                self._storing.add(task)
                task.add_done_callback(self._storing.discard)
            # Tasks start in creation order: after this, these appends are queued in the journal.
            await asyncio.sleep(0)
        self._aligned = True

    async def _store(self, held: _Held) -> None:
        def told(stored: ChunkRange) -> Sequence[bytes]:
            end = stored.byte_range[1]
            return held.told(self._live.known_range(end, len(held.audio))) if held.told else ()

        try:
            stored = await self._live.append(held.audio[held.skip :], told)
        except Exception as error:  # noqa: BLE001  the caller that awaits the answer raises it
            if not held.answer.done():
                held.answer.set_exception(error)
            return
        end = stored.byte_range[1]
        _answer(held, self._live.known_range(end, len(held.audio)))

    async def _store_break(self, held: _HeldBreak) -> None:
        try:
            self._mark(held)
        except AlreadyStoppedError as error:  # the session reached its maximum duration
            if not held.answer.done():
                held.answer.set_exception(error)

    def _fail(self, error: Exception) -> None:
        for held in self._held:
            if not held.answer.done():
                held.answer.set_exception(error)
        self._held.clear()


def _advance(finding: Finding, answers: Sequence[bytes | None]) -> tuple[Read | More | Start, int]:
    """Feed answers to a search; return its next request and the number of answers used."""
    asked: Read | More | Start = More()
    for used, answer in enumerate(answers, 1):
        try:
            asked = finding.send(answer)
        except StopIteration as found:
            return cast("Start", found.value), used
        if isinstance(asked, Read):
            return asked, used
    return asked, len(answers)


def _answer(held: _Held, stored: ChunkRange) -> None:
    if not held.answer.done():  # its task may have been cancelled
        held.answer.set_result(stored)


def _answer_break(answer: asyncio.Future[int], marked: asyncio.Future[BreakMarker]) -> None:
    if answer.done():
        return
    if marked.cancelled():
        answer.cancel()
    elif error := marked.exception():
        answer.set_exception(error)
    else:
        answer.set_result(marked.result().position)
