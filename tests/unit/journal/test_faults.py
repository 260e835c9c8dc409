import asyncio
import resource
import sqlite3
from pathlib import Path

import pytest

from unit.journal.faulty import Connections, storage_error
from unit.journal.test_contract import collect, everything, joined, session
from vivavoce.journal.port import NewSession, UnavailableError
from vivavoce.journal.queries import CorruptError
from vivavoce.journal.sqlite import SqliteJournal, Tuning

QUICK = Tuning(probe_interval=0.02, busy_seconds=0.05)


async def opened(path: Path, connections: Connections | None = None) -> SqliteJournal:
    return await SqliteJournal.open(
        path / "journal.sqlite", tuning=QUICK, connect=connections or Connections()
    )


async def recovered(journal: SqliteJournal) -> None:
    async with asyncio.timeout(20):
        while journal.failure is not None:  # noqa: ASYNC110 -- a thread's work has no event to wait for
            await asyncio.sleep(0.01)


async def fill(journal: SqliteJournal, name: str) -> bytes:
    """Append until the journal refuses; what it acknowledged."""
    acknowledged = b""
    for n in range(1000):
        chunk = bytes([n % 256]) * 3200
        try:
            start, end = await journal.append_audio(name, chunk)
        except UnavailableError:
            return acknowledged
        assert (start, end) == (len(acknowledged), len(acknowledged) + 3200)
        acknowledged += chunk
    pytest.fail("the disk never filled")


async def test_a_full_disk_refuses_audio_keeps_what_was_acknowledged_and_recovers_by_itself(
    tmp_path: Path,
) -> None:
    connections = Connections()
    journal = await opened(tmp_path, connections)
    await journal.create(session("s"))
    connections.writer.execute("PRAGMA max_page_count=200")
    acknowledged = await fill(journal, "s")
    assert journal.failure is not None
    with pytest.raises(UnavailableError, match="full"):
        await journal.append_audio("s", b"x")
    with pytest.raises(UnavailableError):
        await journal.create(session("t"))
    assert await journal.read_audio("s", 0, 10**7) == acknowledged

    connections.writer.execute("PRAGMA max_page_count=1000000")
    await recovered(journal)
    end = len(acknowledged)
    assert await journal.append_audio("s", b"more") == (end, end + 4)
    await journal.close()

    journal = await opened(tmp_path)
    assert await journal.read_audio("s", 0, 10**7) == acknowledged + b"more"
    await journal.close()


async def test_a_full_disk_leaves_no_gap_in_audio_that_was_sent_without_waiting(
    tmp_path: Path,
) -> None:
    connections = Connections()
    journal = await opened(tmp_path, connections)
    await journal.create(session("s"))
    connections.writer.execute("PRAGMA max_page_count=150")
    chunks = [bytes([n]) * 20_000 for n in range(60)]

    async def append(chunk: bytes) -> bool:
        try:
            await journal.append_audio("s", chunk)
        except UnavailableError:
            return False
        return True

    tasks = []
    for chunk in chunks:
        tasks.append(asyncio.ensure_future(append(chunk)))
        await asyncio.sleep(0.001)
    outcomes = await asyncio.gather(*tasks)
    stored = outcomes.index(False)
    assert outcomes == [True] * stored + [False] * (60 - stored)
    assert await journal.read_audio("s", 0, 10**7) == b"".join(chunks[:stored])
    await journal.close()


async def test_a_session_can_be_sealed_and_dropped_while_the_disk_is_full(tmp_path: Path) -> None:
    connections = Connections()
    journal = await opened(tmp_path, connections)
    for name in ("s", "t"):
        await journal.create(session(name))
    connections.writer.execute("PRAGMA max_page_count=200")
    acknowledged = await fill(journal, "s")
    assert await journal.seal("s") == len(acknowledged)
    assert joined(await everything(journal.tail_audio("s", 0))) == acknowledged
    await journal.drop("s")
    assert await journal.find("s") is None
    # Page 200 is the limit of the writer alone, so the sweeper can make room below it.
    connections.writer.execute("PRAGMA max_page_count=400")
    await recovered(journal)
    assert await journal.append_audio("t", b"x") == (0, 1)
    await journal.close()


@pytest.mark.parametrize("name", ["SQLITE_IOERR_FSYNC", "SQLITE_IOERR_WRITE", "SQLITE_CORRUPT"])
async def test_after_a_failed_sync_nothing_is_written_until_a_restart(
    tmp_path: Path, name: str
) -> None:
    connections = Connections()
    journal = await opened(tmp_path, connections)
    await journal.create(session("s"))
    await journal.append_audio("s", b"safe")
    tail = asyncio.ensure_future(everything(journal.tail_audio("s", 0)))
    await asyncio.sleep(0)

    connections.writer.fail_commit = storage_error(name)
    results = await asyncio.gather(
        *(journal.append_audio("s", b"lost") for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(result, UnavailableError) for result in results)
    with pytest.raises(UnavailableError, match=name):
        await tail
    connections.writer.fail_commit = None
    commits = connections.writer.statements.count("COMMIT")
    for call in (journal.append_audio("s", b"x"), journal.seal("s"), journal.drop("s")):
        with pytest.raises(UnavailableError, match=name):
            await call
    assert journal.failure is not None
    assert await journal.read_audio("s", 0, 99) == b"safe"
    assert connections.writer.statements.count("COMMIT") == commits
    await journal.close()

    journal = await opened(tmp_path)
    assert await journal.append_audio("s", b"+") == (4, 5)
    await journal.close()


async def test_a_locked_file_refuses_and_recovers_when_the_lock_goes(tmp_path: Path) -> None:
    journal = await opened(tmp_path)
    await journal.create(session("s"))
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked"):
        await journal.append_audio("s", b"refused")
    other.execute("ROLLBACK")
    other.close()
    await recovered(journal)
    assert await journal.append_audio("s", b"abc") == (0, 3)
    await journal.close()


async def test_files_deleted_under_the_journal_stop_it_instead_of_taking_audio_nowhere(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path)
    await journal.create(session("s"))
    (tmp_path / "journal.sqlite").unlink()
    with pytest.raises(UnavailableError):
        await journal.append_audio("s", b"nowhere")
    assert journal.failure is not None
    await journal.close()


async def test_a_flipped_bit_is_reported_with_its_range_and_never_read_as_audio(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path)
    await journal.create(session("s"))
    marks = [b"one!" * 100, b"two!" * 100, b"six!" * 100]
    for mark in marks:
        await journal.append_audio("s", mark)
    await journal.close()
    path = tmp_path / "journal.sqlite"
    path.write_bytes(path.read_bytes().replace(b"two!two!", b"two!twO!", 1))

    journal = await opened(tmp_path)
    assert await journal.read_audio("s", 0, 400) == marks[0]
    assert await journal.read_audio("s", 800, 1200) == marks[2]
    with pytest.raises(CorruptError, match=r"\[400, 800\)"):
        await journal.read_audio("s", 0, 1200)
    await journal.close()


async def test_what_is_refused_does_not_spoil_the_group_it_is_committed_with(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path)
    await journal.create(session("s"))
    twin = NewSession("t", session("s").token_hash, b"", 1.0, "me")
    outcomes = await asyncio.gather(
        journal.append_audio("s", b"abc"),
        journal.create(twin),
        journal.commit("none", [b"m"]),
        journal.commit("s", [b"m"]),
        return_exceptions=True,
    )
    assert outcomes[0] == (0, 3)
    assert outcomes[3] == 1
    assert [type(outcome).__name__ for outcome in outcomes[1:3]] == [
        "JournalError",
        "UnknownSessionError",
    ]
    got = await collect(journal.tail_messages("s", 0), lambda got: len(got) == 1)
    assert got[0].message == b"m"
    await journal.close()


async def test_a_write_that_the_system_refuses_stops_the_journal_with_what_it_acknowledged(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path)
    await journal.create(session("s"))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, unlimited[1]))
    try:
        acknowledged = await fill(journal, "s")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert acknowledged
    with pytest.raises(UnavailableError, match="I/O error"):
        await journal.commit("s", [b"too late"])
    await journal.close()
    journal = await opened(tmp_path)
    assert await journal.read_audio("s", 0, 10**7) == acknowledged
    await journal.close()
