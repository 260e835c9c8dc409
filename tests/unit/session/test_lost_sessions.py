"""Sessions that cannot go on: they end for everyone who waits, and stay for repair."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from vivavoce.archive.port import NewRecord, Record, Status, UnavailableError
from vivavoce.archive.recordings import LocalRecordings
from vivavoce.archive.records import SqlRecords
from vivavoce.archive.removal import remove
from vivavoce.delivery import announcement
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import NewSession
from vivavoce.journal.port import UnavailableError as JournalUnavailableError
from vivavoce.journal.queries import CorruptError
from vivavoce.protocol import messages as wire
from vivavoce.protocol.request import InitRequest
from vivavoce.protocol.result import Result
from vivavoce.protocol.timestamps import iso
from vivavoce.protocol.transcript import Transcription, Utterance, Word
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.connections import Turn
from vivavoce.session.core import CoreState
from vivavoce.session.finishing import Finisher
from vivavoce.session.language import LanguageState
from vivavoce.session.life import Life
from vivavoce.session.live import Limits, Live
from vivavoce.session.resume import Read
from vivavoce.session.sessions import Sessions
from vivavoce.supervision import Backoff, Supervisor

A, B = (f"45463597-20b7-4af7-b3b3-f5fb7782030{n}" for n in "ab")
REQUEST = msgspec.json.encode(InitRequest())
LIMITS = Limits(duration=100, resume=-1, farewell=15, idle=60, connect=3600, sessions=10, engine=30)
BEGUN = Checkpoint("live", CoreState(0, (), LanguageState(())), (), 0, 0)


class DamagedJournal(MemoryJournal):
    """Cannot read the audio of some sessions, and some not yet."""

    def __init__(self) -> None:
        super().__init__()
        self.damaged: set[str] = set()
        self.busy = 0

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        if session_id in self.damaged:
            raise CorruptError(f"session {session_id}: audio [{start}, {end}) is damaged")
        return await super().read_audio(session_id, start, end)

    async def checkpoint(self, session_id: str) -> bytes | None:
        if self.busy:
            self.busy -= 1
            raise JournalUnavailableError("locked")
        return await super().checkpoint(session_id)


class Run:
    """A session's runner that follows a script: a number of faults, then its end."""

    settled_seconds = 0.0

    @staticmethod
    def nothing_open(_end: int) -> bool:
        return True

    def __init__(self, world: "World", live: Live) -> None:
        self._world = world
        self._live = live

    async def run(self) -> None:
        await self._world.script(self._live)

    def checkpoint(self) -> Checkpoint:
        return BEGUN


async def ends(_: Live) -> None:
    """Have nothing left to transcribe."""


@dataclass
class World:
    """Everything a session leaves traces in."""

    journal: DamagedJournal
    records: SqlRecords
    recordings: LocalRecordings
    script: Callable[[Live], Any] = ends
    now: float = 0.0
    failing: str | None = None
    unreadable: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def add(self, session_id: str, audio: int = 3200, request: bytes = REQUEST) -> None:
        await self.journal.create(NewSession(session_id, session_id.encode(), request, 0.0, "me"))
        await self.records.add(record_of(session_id))
        if audio:
            await self.journal.append_audio(session_id, bytes(audio))

    def sessions(self) -> Sessions:
        """What a process makes of the journal."""
        supervisor = Supervisor(
            count_failure=self.failures.append,
            count_unreadable=self.unreadable.append,
            backoff=Backoff(0.0, 0.0),
        )
        life = Life(
            self.journal,
            self.records,
            Finisher(self.journal, self.records, self.recordings, lambda: self.now),
            lambda live, _: cast("Any", Run(self, live)),
            lambda: self.now,
            supervisor=supervisor,
            backoff=Backoff(0.0, 0.0),
        )
        return Sessions(
            self.journal,
            self.records,
            life,
            LIMITS,
            lambda: self.now,
            supervisor=supervisor,
            failing_engine=lambda _: self.failing,
        )

    async def until_kept(self, *session_ids: str) -> None:
        """Wait until the journal holds these sessions alone."""
        async with asyncio.timeout(5):
            while {each.session.id for each in await self.journal.live()} != {*session_ids}:  # noqa: ASYNC110  a session tells nobody that it left
                await asyncio.sleep(0.001)

    async def record(self, session_id: str) -> Record:
        return await self.records.get(session_id, "me")

    async def announced(self) -> list[tuple[str, str]]:
        """Session and type of every announcement."""
        found = await self.journal._read_announcements(0, 100, 1 << 20)  # noqa: SLF001  all of them
        told = [announcement.decode(each.data) for each in found]
        return [(each.session, msgspec.json.decode(each.message)["type"]) for each in told]

    async def until(self, session_id: str, status: Status) -> Record:
        async with asyncio.timeout(20):
            while (found := await self.record(session_id)).status != status:  # noqa: ASYNC110  records tell nobody
                await asyncio.sleep(0.001)
        return found


def record_of(session_id: str) -> NewRecord:
    return NewRecord(id=session_id, owner="me", created_at=0.0, request=b"{}")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    records = await SqlRecords.open(f"sqlite:///{tmp_path / 'records.db'}")
    journal = DamagedJournal()
    yield World(journal, records, LocalRecordings(tmp_path / "recordings"))
    await records.close()
    await journal.close()


async def none_known(sessions: Sessions) -> None:
    async with asyncio.timeout(5):
        while sessions.known:  # noqa: ASYNC110  a session tells nobody that it is forgotten
            await asyncio.sleep(0.001)


def final(session_id: str, number: int) -> bytes:
    word = Word(f" word{number}", number + 0.25, number + 0.5, 0.9)
    spoken = Utterance(word.start, word.end, 0.9, 0, (word,), word.word, "en")
    data = wire.TranscriptData(f"00_{number:08d}", is_final=True, utterance=spoken)
    return wire.encode(wire.Transcript(session_id=session_id, created_at=iso(0), data=data))


NO_CHECKPOINTS = {
    "no checkpoint": b"\xc1",
    "of another version": msgspec.msgpack.encode({"stage": "live"}),
    "text": b"text",
}


@pytest.mark.parametrize("data", NO_CHECKPOINTS.values(), ids=NO_CHECKPOINTS)
async def test_a_session_whose_checkpoint_cannot_be_read_fails_alone_and_stays_for_repair(
    world: World, data: bytes
) -> None:
    for session_id in (A, B):
        await world.add(session_id)
        await world.journal.seal(session_id)
    await world.journal.commit(A, [final(A, 1)], data)
    sessions = world.sessions()
    await sessions.start()
    await world.until(B, Status.DONE)
    failed = await world.until(A, Status.ERROR)
    assert failed.error_code == 500
    assert await sessions.find(A.encode()) is None
    assert (await world.announced()).count((A, "end_session")) == 1
    await world.until_kept(A)
    assert await world.journal.checkpoint(A) == data
    assert world.unreadable == ["checkpoint"]
    await sessions.aclose()


async def test_a_session_whose_request_cannot_be_read_does_not_keep_the_server_from_starting(
    world: World,
) -> None:
    await world.add(A, request=b'{"sample_rate":"high"}')
    await world.add(B)
    await world.journal.seal(B)
    sessions = world.sessions()
    await sessions.start()
    assert await sessions.find(A.encode()) is None
    await world.until(B, Status.DONE)
    assert (await world.until(A, Status.ERROR)).file is None  # its format is not known
    assert (await world.announced()).count((A, "end_session")) == 1
    await world.until_kept(A)
    assert world.unreadable == ["request"]
    await sessions.aclose()


async def test_what_failed_is_tried_again_at_each_start_and_announced_once(world: World) -> None:
    await world.add(A)
    await world.journal.commit(A, [], b"\xc1")
    for _ in range(3):
        sessions = world.sessions()
        await sessions.start()
        await world.until(A, Status.ERROR)
        await none_known(sessions)
        await sessions.aclose()
    assert (await world.announced()).count((A, "end_session")) == 1


async def test_a_repaired_session_has_its_result_after_all(world: World) -> None:
    await world.add(A)
    await world.journal.commit(A, [final(A, 1)], b"\xc1")
    sessions = world.sessions()
    await sessions.start()
    await world.until(A, Status.ERROR)
    await sessions.aclose()
    await world.journal.commit(A, [], checkpoints.encode(BEGUN))
    sessions = world.sessions()
    await sessions.start()
    repaired = await world.until(A, Status.DONE)
    assert repaired.error_code is None
    assert b"word1" in (repaired.result or b"")
    await world.until_kept()
    await sessions.aclose()


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_failed_session_that_its_owner_deletes_leaves_the_journal(
    world: World, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    monkeypatch.setattr("vivavoce.session.sessions.HOUSEKEEPING_SECONDS", 0.001)
    await world.add(A)
    await world.journal.commit(A, [], b"\xc1")
    sessions = world.sessions()
    await sessions.start()
    await world.until(A, Status.ERROR)
    await none_known(sessions)
    await remove(await world.record(A), world.records, world.recordings)
    if restarted:
        await sessions.aclose()
        sessions = world.sessions()
        await sessions.start()
    else:
        sessions.discard(A)
    await world.until_kept()
    await sessions.aclose()


async def test_the_client_of_a_session_with_damaged_audio_is_let_go(world: World) -> None:
    async def read(live: Live) -> None:
        await live.read(Read(0, 1))

    world.script = read
    await world.add(A)
    await world.journal.commit(A, [final(A, 1)], checkpoints.encode(BEGUN))
    sessions = world.sessions()
    await sessions.start()
    live = await sessions.find(A.encode())
    assert live is not None
    world.journal.damaged.add(A)
    async with asyncio.timeout(5):
        await live.lost.wait()
    assert await sessions.find(A.encode()) is None
    failed = await world.record(A)
    assert (failed.status, failed.file) == (Status.ERROR, None)
    assert b"word1" in (failed.result or b"")
    assert (await world.announced()).count((A, "end_session")) == 1
    await world.until_kept(A)
    assert "audio" in world.unreadable
    assert "session run" in world.failures
    await sessions.aclose()


async def test_a_session_that_makes_progress_between_its_crashes_is_not_given_up(
    world: World,
) -> None:
    runs: list[str] = []

    async def crash(live: Live) -> None:
        runs.append(live.id)
        if len(runs) <= 20:
            state = msgspec.structs.replace(BEGUN, heard=len(runs))
            await world.journal.commit(A, [final(A, len(runs))], checkpoints.encode(state))
            raise ZeroDivisionError

    world.script = crash
    await world.add(A)
    await world.journal.seal(A)
    sessions = world.sessions()
    await sessions.start()
    done = await world.until(A, Status.DONE)
    assert b"word20" in (done.result or b"")
    assert world.failures.count("session run") == 20
    await sessions.aclose()


async def test_a_session_given_up_keeps_its_finals_as_a_partial_result_and_its_recording(
    world: World,
) -> None:
    async def crash(_: Live) -> None:
        raise ZeroDivisionError

    world.script = crash
    await world.add(A)
    await world.journal.commit(A, [final(A, 1), final(A, 2)], checkpoints.encode(BEGUN))
    await world.journal.seal(A)
    sessions = world.sessions()
    await sessions.start()
    failed = await world.until(A, Status.ERROR)
    assert failed.error_code == 500
    result = msgspec.json.decode(failed.result or b"", type=Result)
    assert isinstance(result.transcription, Transcription)
    assert result.transcription.full_transcript == "word1 word2"
    assert len(result.messages or ()) == 2
    assert failed.file is not None
    assert failed.file.audio_duration == pytest.approx(0.1)
    assert (await world.recordings.find(A)).size == 3200 + 44
    await world.until_kept()
    assert (A, "end_session") in await world.announced()
    await sessions.aclose()


async def test_one_unreadable_message_costs_a_partial_result_no_other(world: World) -> None:
    async def crash(_: Live) -> None:
        raise ZeroDivisionError

    world.script = crash
    await world.add(A)
    await world.journal.commit(A, [final(A, 1), b"{", final(A, 2)], checkpoints.encode(BEGUN))
    await world.journal.seal(A)
    sessions = world.sessions()
    await sessions.start()
    failed = await world.until(A, Status.ERROR)
    result = msgspec.json.decode(failed.result or b"", type=Result)
    assert isinstance(result.transcription, Transcription)
    assert result.transcription.full_transcript == "word1 word2"
    await world.until_kept(A)
    await sessions.aclose()


async def test_a_session_that_cannot_be_read_yet_is_recovered_later(world: World) -> None:
    for session_id in (A, B):
        await world.add(session_id)
        await world.journal.seal(session_id)
    world.journal.busy = 3
    sessions = world.sessions()
    await sessions.start()
    await world.until(A, Status.DONE)
    await world.until(B, Status.DONE)
    assert world.unreadable == []
    await sessions.aclose()


async def test_a_stopped_session_does_not_wait_for_ever_for_an_engine_that_cannot_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.session.sessions.HOUSEKEEPING_SECONDS", 0.001)

    async def wait(_: Live) -> None:
        await asyncio.Event().wait()

    world.script, world.failing = wait, "scribe"
    await world.add(A)
    await world.journal.commit(A, [final(A, 1)], checkpoints.encode(BEGUN))
    sessions = world.sessions()
    await sessions.start()
    live = await sessions.find(A.encode())
    assert live is not None
    await live.connect(Turn())
    world.now = 50.0  # it goes on: a live session waits, however long
    await asyncio.sleep(0.02)
    assert not live.lost.is_set()
    await live.end()
    await asyncio.sleep(0.02)
    world.now += LIMITS.engine - 1
    await asyncio.sleep(0.02)
    assert (await world.record(A)).status != Status.ERROR
    world.now += 1
    failed = await world.until(A, Status.ERROR)
    assert failed.error_code == 503
    assert b"word1" in (failed.result or b"")
    async with asyncio.timeout(5):
        await live.lost.wait()
    await sessions.aclose()


async def test_an_engine_that_comes_back_in_time_ends_the_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.session.sessions.HOUSEKEEPING_SECONDS", 0.001)

    async def wait(_: Live) -> None:
        await asyncio.Event().wait()

    world.script, world.failing = wait, "scribe"
    await world.add(A)
    await world.journal.seal(A)
    sessions = world.sessions()
    await sessions.start()
    await asyncio.sleep(0.02)
    world.failing = None
    world.now += LIMITS.engine
    await asyncio.sleep(0.02)
    world.failing = "scribe"
    world.now += LIMITS.engine - 1
    await asyncio.sleep(0.02)
    assert (await world.record(A)).status != Status.ERROR
    await sessions.aclose()


async def test_storage_that_fails_for_one_session_keeps_no_other_from_being_looked_after(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.session.sessions.HOUSEKEEPING_SECONDS", 0.001)

    async def wait(_: Live) -> None:
        await asyncio.Event().wait()

    world.script = wait
    for session_id in (A, B):
        await world.add(session_id, audio=0)
    fails = type(world.records).fail

    async def fail(self: SqlRecords, session_id: str, code: int, at: float, **more: Any) -> bool:
        if session_id == A:
            raise UnavailableError(session_id)
        return await fails(self, session_id, code, at, **more)

    monkeypatch.setattr(type(world.records), "fail", fail)
    sessions = world.sessions()
    await sessions.start()
    world.now = LIMITS.connect + 1
    await world.until(B, Status.ERROR)
    assert (await world.record(A)).status != Status.ERROR
    await sessions.aclose()
