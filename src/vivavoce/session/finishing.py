"""Finalise a session: closing messages, result, recording, archive. Safe to run again.

Every step is committed together with the stage it reaches, so a crash in between neither loses
nor repeats a message. The messages of three hours take a fifth of a second to read and write: this
runs in threads, and in pieces, because one long call would block all other threads.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import msgspec

from vivavoce.archive.port import AudioFile, NotFoundError, Recordings, Records
from vivavoce.archive.port import UnavailableError as ArchiveUnavailableError
from vivavoce.audio.format import AudioFormat
from vivavoce.audio.recording import RecordingWriter
from vivavoce.delivery.announcement import Herald
from vivavoce.journal.port import Journal, JournalError, UnavailableError
from vivavoce.protocol import long_messages
from vivavoce.protocol import messages as wire
from vivavoce.protocol.frames import to_frame
from vivavoce.protocol.request import InitRequest, MessagesConfig
from vivavoce.protocol.result import Result, ResultMetadata
from vivavoce.protocol.timestamps import iso
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session import summary
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.core import WITHDRAWN
from vivavoce.session.ports import Clock

BLOCK = 1 << 20

FREED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Ending:
    """A session to finalise; the checkpoint is None if the session could not be transcribed."""

    session_id: str
    request: InitRequest
    herald: Herald
    format: AudioFormat
    audio_end: int
    checkpoint: Checkpoint | None

    @property
    def duration(self) -> float:
        """Duration of the recorded whole frames in seconds."""
        header_bytes = (self.checkpoint and self.checkpoint.header_bytes) or 0
        audio_bytes = self.audio_end - header_bytes
        frames = max(audio_bytes, 0) // self.format.frame_bytes
        return frames / self.format.sample_rate


@dataclass(frozen=True, slots=True)
class Rescued:
    """The salvaged data of a failed session: a partial result, a recording, and the errors.

    Attributes:
        result: JSON of the result, with the finals that were emitted.
        file: the recording; None if it cannot be read.
        faults: the errors of the parts that cannot be read.
    """

    result: bytes | None = None
    file: AudioFile | None = None
    faults: tuple[Exception, ...] = ()


class Finisher:
    """Finalise sessions, from their last final to the archive."""

    def __init__(
        self, journal: Journal, records: Records, recordings: Recordings, wall: Clock
    ) -> None:
        self._journal = journal
        self._records = records
        self._recordings = recordings
        self._wall = wall

    async def finish(self, ending: Ending) -> None:
        """Run the remaining steps for a session whose finals are all emitted."""
        stage = ending.checkpoint.stage if ending.checkpoint else "live"
        if stage == "archived":
            return
        told = await (self._close(ending) if stage == "live" else self._told(ending))
        await self._archive(ending, told)
        await asyncio.to_thread(_let_go, told)

    async def rescue(self, ending: Ending, *, recording: bool = True) -> Rescued:
        """Salvage the data of a session that could not be transcribed to its end.

        The recording is stored, and the emitted finals become a partial result.

        Raises:
            UnavailableError: the journal or the archive is unavailable; whether the data is
                readable is unknown.
        """
        file, faults = None, []
        try:
            if recording:
                await self._recordings.write(ending.session_id, self._wav(ending))
                file = self._file(ending)
        except (UnavailableError, ArchiveUnavailableError):
            raise
        except Exception as error:  # noqa: BLE001  the caller reports it
            faults.append(error)
        told, unreadable = await self._readable(ending)
        faults += unreadable
        found = await asyncio.to_thread(summary.transcription, told)
        result = summary.result(found, self._facts(ending, told))
        config = ending.request.messages_config
        encoded = await asyncio.to_thread(_with_messages, result, told, config)
        await asyncio.to_thread(_let_go, told)
        return Rescued(encoded, file, tuple(faults))

    async def _readable(self, ending: Ending) -> tuple[list[wire.ServerMessage], list[Exception]]:
        """Return the readable messages, and the errors of the others."""
        try:
            entries = await self._journal.read_messages(ending.session_id, 0)
        except UnavailableError:
            raise
        except JournalError as error:
            return [], [error]
        return await asyncio.to_thread(_decode_each, [entry.message for entry in entries])

    async def note_failure(self, ending: Ending, code: int, rescued: Rescued | None = None) -> None:
        """Store the failure of a session, and its salvaged data."""
        rescued = rescued or Rescued()
        async with self._unless_deleted(ending):
            await self._records.fail(
                ending.session_id, code, self._wall(), result=rescued.result, file=rescued.file
            )

    async def _close(self, ending: Ending) -> list[wire.ServerMessage]:
        """Commit the closing messages with the result; return all messages of the session."""
        told = await self._told(ending)
        found = await asyncio.to_thread(summary.transcription, told)
        result = summary.result(found, self._facts(ending, told))
        at = iso(self._wall())
        length = wire.RecordingDuration(round(ending.duration, 3))
        closing: list[wire.ServerMessage] = [
            wire.EndRecording(session_id=ending.session_id, created_at=at, data=length),
            wire.PostTranscript(session_id=ending.session_id, created_at=at, data=found),
            wire.PostFinalTranscript(session_id=ending.session_id, created_at=at, data=result),
        ]
        await self._commit(ending, closing, "ended")
        return [*told, *closing]

    async def _archive(self, ending: Ending, told: list[wire.ServerMessage]) -> None:
        """Store recording and result, and only then end the session for the client.

        The time of the end comes from the durable closing messages, so a rerun reports the same.
        """
        closing = _closing(told)
        last = wire.EndSession(session_id=ending.session_id, created_at=closing.created_at)
        await self._recordings.write(ending.session_id, self._wav(ending))
        config = ending.request.messages_config
        result = await asyncio.to_thread(_with_messages, closing.data, [*told, last], config)
        file = self._file(ending)
        ended = datetime.fromisoformat(closing.created_at).timestamp()
        async with self._unless_deleted(ending):
            await self._records.finish(ending.session_id, result, file, ended)
        await self._commit(ending, [last], "archived")

    def _file(self, ending: Ending) -> AudioFile:
        """Return the record's description of the recording."""
        return AudioFile(
            filename=f"{ending.session_id}.wav",
            audio_duration=round(ending.duration, 3),
            number_of_channels=ending.format.channels,
        )

    @asynccontextmanager
    async def _unless_deleted(self, ending: Ending) -> AsyncIterator[None]:
        """Delete the recording if the record is gone, as its owner may delete it before a rerun."""
        try:
            yield
        except NotFoundError:
            await self._recordings.delete(ending.session_id)

    async def _told(self, ending: Ending) -> list[wire.ServerMessage]:
        entries = await self._journal.read_messages(ending.session_id, 0)
        return await asyncio.to_thread(summary.decoded, [entry.message for entry in entries])

    async def _commit(
        self, ending: Ending, messages: Sequence[wire.Message], stage: checkpoints.Stage
    ) -> None:
        if ending.checkpoint is None:
            raise AssertionError("only a transcribed session is closed")
        state = msgspec.structs.replace(ending.checkpoint, stage=stage)
        encoded = await asyncio.to_thread(_encoded, messages)
        announcements = await asyncio.to_thread(ending.herald.announcements, *messages)
        await self._journal.commit(
            ending.session_id, encoded, checkpoints.encode(state), announcements
        )

    def _facts(self, ending: Ending, told: Iterable[wire.Message]) -> ResultMetadata:
        started = summary.recording_started(told)
        begun = datetime.fromisoformat(started).timestamp() if started else self._wall()
        return summary.metadata(
            duration=ending.duration,
            channels=ending.format.channels,
            taken=max(self._wall() - begun, 0.0),
        )

    async def _wav(self, ending: Ending) -> AsyncIterator[bytes]:
        """Yield the WAV recording in blocks."""
        writer = RecordingWriter(ending.format, ending.audio_end)
        for start in range(0, ending.audio_end, BLOCK):
            end = min(start + BLOCK, ending.audio_end)
            yield writer.feed(await self._journal.read_audio(ending.session_id, start, end))
        yield writer.finish()


def _decode_each(
    messages: Iterable[bytes],
) -> tuple[list[wire.ServerMessage], list[Exception]]:
    told: list[wire.ServerMessage] = []
    faults: list[Exception] = []
    for message in messages:
        try:
            told += summary.decoded([message])
        except Exception as error:  # noqa: BLE001  one unreadable message must not lose others
            faults.append(error)
    return told, faults


def _encoded(messages: Iterable[wire.Message]) -> list[bytes]:
    return [long_messages.encoded(message) for message in messages]


def _with_messages(result: Result, told: Iterable[wire.Message], config: MessagesConfig) -> bytes:
    """Encode the result to store, with the messages that were sent to the client.

    Partials are omitted, and so are errors that withdraw them: which partials are sent depends on
    load and on restarts, and the result must not.
    """
    shown = (
        message
        for message in told
        if wire.passes(message, config) and not _withdraws_partials(message)
    )
    frames = tuple(to_frame(message).decode() for message in shown)
    return long_messages.encoded_result(msgspec.structs.replace(result, messages=frames))


def _withdraws_partials(message: wire.Message) -> bool:
    detail = message.data if isinstance(message, wire.ErrorMessage) else None
    return detail is not None and detail.code == WITHDRAWN


def _let_go(told: list[wire.ServerMessage]) -> None:
    """Free messages in small batches, last first: the closing messages share data of others."""
    while told:
        del told[-FREED_AT_ONCE:]


def _closing(told: Sequence[wire.Message]) -> wire.PostFinalTranscript:
    """Return the last closing message, which has the result."""
    for message in reversed(told):
        if isinstance(message, wire.PostFinalTranscript):
            return message
    raise AssertionError("a session is archived only after its closing messages")
