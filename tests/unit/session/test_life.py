"""Ends of sessions whose records are not what they should be: deleted already, or never made."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from vivavoce.archive.port import NewRecord, NotFoundError, UnavailableError
from vivavoce.archive.recordings import LocalRecordings
from vivavoce.archive.records import SqlRecords
from vivavoce.archive.removal import remove
from vivavoce.audio.format import AudioFormat
from vivavoce.delivery.announcement import Herald
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import NewSession
from vivavoce.journal.queries import CorruptError
from vivavoce.protocol import messages as wire
from vivavoce.protocol.request import InitRequest, MessagesConfig
from vivavoce.protocol.result import Result
from vivavoce.protocol.timestamps import iso
from vivavoce.protocol.transcript import Utterance, Word
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.connections import Resumes
from vivavoce.session.core import CoreState
from vivavoce.session.finishing import Ending, Finisher
from vivavoce.session.language import LanguageState
from vivavoce.session.life import Life
from vivavoce.session.live import Limits, Live
from vivavoce.session.sessions import Sessions
from vivavoce.supervision import Backoff

ID = "45463597-20b7-4af7-b3b3-f5fb778203ab"
REQUEST = msgspec.json.encode(InitRequest())
SESSION = NewSession(ID, b"t", REQUEST, 0.0, "me")
RECORD = NewRecord(id=ID, owner="me", created_at=0.0, request=b"{}")
LIMITS = Limits(duration=100, resume=300, farewell=15, idle=60, connect=3600, sessions=10)
WANTED = InitRequest(messages_config=MessagesConfig(receive_lifecycle_events=True))
AT_ONCE = Backoff(0.0, 0.0)
BEGUN = Checkpoint("live", CoreState(0, (), LanguageState(())), (), 0, 0)


class DyingJournal(MemoryJournal):
    """Fails to note that a session is archived, as often as told."""

    failures = 0

    async def commit(
        self,
        session_id: str,
        messages: Any,
        checkpoint: bytes | None = None,
        announcements: Sequence[bytes] = (),
    ) -> int:
        if self.failures and checkpoint and checkpoints.decode(checkpoint).stage == "archived":
            self.failures -= 1
            raise ConnectionAbortedError("the power is cut")
        return await super().commit(session_id, messages, checkpoint, announcements)


@pytest.fixture
def journal() -> DyingJournal:
    return DyingJournal()


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[SqlRecords]:
    opened = await SqlRecords.open(f"sqlite:///{tmp_path / 'records.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def recordings(tmp_path: Path) -> LocalRecordings:
    return LocalRecordings(tmp_path / "recordings")


async def ending(journal: MemoryJournal) -> Ending:
    """A session that has to be finished, as the journal has it."""
    saved = await journal.checkpoint(ID)
    state = checkpoints.decode(saved) if saved else BEGUN
    return Ending(ID, WANTED, Herald(ID, "me", WANTED), AudioFormat(), 3200, state)


@pytest.mark.parametrize("salvaged", [False, True], ids=["finished", "salvaged"])
async def test_a_session_deleted_before_a_crash_is_not_brought_back_by_finishing_it_again(
    journal: DyingJournal, records: SqlRecords, recordings: LocalRecordings, *, salvaged: bool
) -> None:
    finisher = Finisher(journal, records, recordings, lambda: 0.0)
    await journal.create(SESSION)
    await records.add(RECORD)
    await journal.append_audio(ID, bytes(3200))
    journal.failures = 1
    with pytest.raises(ConnectionAbortedError):
        await finisher.finish(await ending(journal))
    await remove(await records.get(ID, "me"), records, recordings)
    again = await ending(journal)
    if salvaged:
        await finisher.note_failure(again, 500, await finisher.rescue(again))
    else:
        await finisher.finish(again)
    with pytest.raises(NotFoundError):
        await recordings.find(ID)
    with pytest.raises(NotFoundError):
        await records.get(ID, "me")
    if not salvaged:
        assert (await ending(journal)).checkpoint == msgspec.structs.replace(
            cast("Checkpoint", again.checkpoint), stage="archived"
        )


async def test_a_session_finished_again_after_a_crash_ended_when_its_record_says(
    journal: DyingJournal, records: SqlRecords, recordings: LocalRecordings
) -> None:
    hours = itertools.count(0, 3600)
    finisher = Finisher(journal, records, recordings, lambda: float(next(hours)))
    await journal.create(SESSION)
    await records.add(RECORD)
    await journal.append_audio(ID, bytes(3200))
    journal.failures = 1
    with pytest.raises(ConnectionAbortedError):
        await finisher.finish(await ending(journal))
    recorded = await records.get(ID, "me")
    await finisher.finish(await ending(journal))
    *_, last = await journal.read_messages(ID, 0)
    assert msgspec.json.decode(recorded.result or b"")["messages"][-1].encode() == last.message
    assert recorded.completed_at is not None
    assert msgspec.json.decode(last.message)["created_at"] == iso(recorded.completed_at)


def final(number: int) -> bytes:
    word = Word(f" word{number}", number + 0.25, number + 0.5, 0.9)
    spoken = Utterance(word.start, word.end, 0.9, 0, (word,), word.word, "en")
    data = wire.TranscriptData(f"00_{number:08d}", is_final=True, utterance=spoken)
    return wire.encode(wire.Transcript(session_id=ID, created_at=iso(0), data=data))


async def test_a_long_session_has_the_same_result_whether_its_end_was_interrupted_or_not(
    journal: DyingJournal, records: SqlRecords, recordings: LocalRecordings
) -> None:
    finisher = Finisher(journal, records, recordings, lambda: 0.0)
    await journal.create(SESSION)
    await journal.append_audio(ID, bytes(3200))
    await journal.commit(ID, [final(number) for number in range(1000)])
    results = []
    for failures in (1, 0):
        await records.add(RECORD)
        journal.failures = failures
        with suppress(ConnectionAbortedError):
            await finisher.finish(await ending(journal))
        results.append((await records.get(ID, "me")).result or b"")
        await remove(await records.get(ID, "me"), records, recordings)
    assert results[0] == results[1]
    told = [entry.message for entry in await journal.read_messages(ID, 0)]
    assert len(told[-2]) > 100_000
    result = msgspec.json.decode(results[0], type=Result)
    post = wire.decode_server_message(told[-2])
    assert isinstance(post, wire.PostFinalTranscript)
    assert result.transcription == post.data.transcription
    assert [each.encode() for each in result.messages or ()] == told
    assert wire.encode(result) == results[0]


async def test_a_session_whose_creation_was_cut_short_leaves_the_journal_in_the_end(
    journal: DyingJournal, records: SqlRecords, recordings: LocalRecordings
) -> None:
    await journal.create(SESSION)
    stored = await journal.find(ID)
    assert stored is not None
    live = Live(
        stored, InitRequest(), AudioFormat(), journal, LIMITS, lambda: 0.0, resumes=Resumes()
    )
    finisher = Finisher(journal, records, recordings, lambda: 0.0)
    life = Life(journal, records, finisher, cast("Any", None), lambda: 0.0)
    await life.abandon(live)
    assert await journal.find(ID) is None


class FullDisk(LocalRecordings):
    """Has no room for the first recordings, as many as told."""

    failures = 0

    async def write(self, session_id: str, chunks: AsyncIterator[bytes]) -> int:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("no space left on device")
        return await super().write(session_id, chunks)


class Silent:
    """A runner with nothing to say."""

    settled_seconds = 0.0

    @staticmethod
    def nothing_open(_end: int) -> bool:
        return True

    def __init__(self, faults: int) -> None:
        self._faults = faults

    async def run(self) -> None:
        if self._faults:
            self._faults -= 1
            raise ZeroDivisionError

    def checkpoint(self) -> Checkpoint:
        return BEGUN


@pytest.mark.parametrize("faults", [0, 3], ids=["done", "error"])
async def test_a_session_that_ends_while_the_disk_is_full_is_finished_when_there_is_room(
    journal: DyingJournal,
    records: SqlRecords,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    faults: int,
) -> None:
    monkeypatch.setattr("vivavoce.session.life.STORAGE_RETRY_SECONDS", 0)
    await journal.create(SESSION)
    await records.add(RECORD)
    await journal.append_audio(ID, bytes(3200))
    await journal.seal(ID)
    stored = await journal.find(ID)
    assert stored is not None
    full = FullDisk(tmp_path / "recordings")
    full.failures = 10
    runner = Silent(faults)
    finisher = Finisher(journal, records, full, lambda: 0.0)
    begin = cast("Any", lambda *_: runner)
    life = Life(journal, records, finisher, begin, lambda: 0.0, backoff=AT_ONCE)
    live = Live(
        stored, InitRequest(), AudioFormat(), journal, LIMITS, lambda: 0.0, resumes=Resumes()
    )
    live.finished.set()
    await life.run(live)
    assert (await records.get(ID, "me")).status == ("error" if faults else "done")
    assert (await full.find(ID)).size == 3200 + 44
    assert await journal.live() == []


class DamagedJournal(DyingJournal):
    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        raise CorruptError(f"session {session_id}: audio [{start}, {end}) is damaged")


async def test_a_session_with_damaged_audio_ends_in_error_and_stays_for_who_repairs_it(
    records: SqlRecords, recordings: LocalRecordings
) -> None:
    journal = DamagedJournal()
    await journal.create(SESSION)
    await records.add(RECORD)
    await journal.append_audio(ID, bytes(3200))
    await journal.seal(ID)
    stored = await journal.find(ID)
    assert stored is not None
    finisher = Finisher(journal, records, recordings, lambda: 0.0)
    begin = cast("Any", lambda *_: Silent(0))
    life = Life(journal, records, finisher, begin, lambda: 0.0, backoff=AT_ONCE)
    live = Live(
        stored, InitRequest(), AudioFormat(), journal, LIMITS, lambda: 0.0, resumes=Resumes()
    )
    with pytest.raises(ExceptionGroup) as failure:
        await life.run(live)
    assert failure.group_contains(CorruptError, match=r"audio \[0, 3200\) is damaged")
    assert (await records.get(ID, "me")).status == "error"
    assert [live.session.id for live in await journal.live()] == [ID]


class LockedRecords:
    """Somebody else holds the database."""

    async def add(self, record: NewRecord) -> None:
        raise UnavailableError(record.id)


async def test_a_session_that_cannot_be_listed_is_refused_and_leaves_nothing(
    journal: DyingJournal,
) -> None:
    locked = cast("SqlRecords", LockedRecords())
    sessions = Sessions(journal, locked, cast("Life", None), LIMITS, lambda: 0.0)
    with pytest.raises(UnavailableError):
        await sessions.create(SESSION, RECORD)
    assert await journal.live() == []
