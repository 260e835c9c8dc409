import asyncio
import os
import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from unit.journal.faulty import Connections
from unit.journal.test_contract import everything, session
from vivavoce.journal import writer
from vivavoce.journal.lock import FolderInUseError, FolderLock
from vivavoce.journal.port import Entry, JournalError
from vivavoce.journal.sqlite import SqliteJournal, Tuning


async def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "data" / "journal.sqlite"
    journal = await SqliteJournal.open(path)
    for name in ("s", "t"):
        await journal.create(session(name))
    await journal.append_audio("s", b"abc")
    await journal.append_audio("s", b"def")
    await journal.commit("s", [b"m", b"n"], b"point")
    await journal.seal("t")
    assert await journal.claim("s", "before", 1e9)
    await journal.close()

    journal = await SqliteJournal.open(path)
    assert [(live.session.id, live.audio_end, live.sealed) for live in await journal.live()] == [
        ("s", 6, False),
        ("t", 0, True),
    ]
    assert await journal.append_audio("s", b"g") == (6, 7)
    assert await journal.commit("s", [b"o"]) == 3
    assert await journal.checkpoint("s") == b"point"
    assert await journal.read_messages("s", 1) == [Entry(2, b"n"), Entry(3, b"o")]
    assert await journal.claim("s", "after", 1.0), "a lease ends with its process"
    await journal.close()


async def test_a_second_server_on_the_folder_is_told_who_has_it(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.sqlite")
    with pytest.raises(FolderInUseError, match=f"process {os.getpid()}"):
        await SqliteJournal.open(tmp_path / "journal.sqlite")
    await journal.close()
    with FolderLock(tmp_path), pytest.raises(FolderInUseError):
        FolderLock(tmp_path)
    FolderLock(tmp_path).release()


async def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    journal = await SqliteJournal.open(folder / "journal.sqlite")
    await journal.create(session("s"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "journal.sqlite-wal" in modes
    await journal.close()


@pytest.mark.parametrize("name", ["lock", "journal.sqlite"])
async def test_a_planted_link_is_not_followed(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / name).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        await SqliteJournal.open(folder / "journal.sqlite")
    assert victim.read_text() == "precious"


async def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(JournalError, match="cannot be opened"):
        await SqliteJournal.open(path)
    assert path.read_bytes() == b"something else" * 100

    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(JournalError, match="not a journal"):
        await SqliteJournal.open(path)


async def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await (await SqliteJournal.open(path)).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version=99")
    other.close()
    with pytest.raises(JournalError, match="newer version"):
        await SqliteJournal.open(path)


async def test_what_many_sessions_append_together_is_synced_once_in_one_row_each(
    tmp_path: Path,
) -> None:
    connections = Connections()
    tuning = Tuning(gather=0.5)
    path = tmp_path / "journal.sqlite"
    journal = await SqliteJournal.open(path, connect=connections, tuning=tuning)
    names = [f"s{n}" for n in range(20)]
    await asyncio.gather(*(journal.create(session(name)) for name in names))
    connections.writer.statements.clear()
    positions = await asyncio.gather(
        *(journal.append_audio(name, b"x" * 10) for name in names for _ in range(5))
    )
    assert positions[:5] == [(n * 10, n * 10 + 10) for n in range(5)]
    assert connections.writer.statements.count("COMMIT") == 1
    inserts = [sql for sql in connections.writer.statements if sql.startswith("INSERT INTO audio")]
    assert [sql.count("(?, ?, ?, ?)") for sql in inserts] == [len(names)]
    await journal.close()


async def test_a_tail_that_keeps_up_reads_nothing_from_the_disk(tmp_path: Path) -> None:
    connections = Connections()
    journal = await SqliteJournal.open(tmp_path / "journal.sqlite", connect=connections)
    await journal.create(session("s"))
    tail = journal.tail_audio("s", 0)
    messages = journal.tail_messages("s", 0)
    for position in range(2):  # the first round opens the tails
        coming = asyncio.ensure_future(anext(tail)), asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        await journal.append_audio("s", bytes([position]))
        await journal.commit("s", [b"m"])
        await asyncio.gather(*coming)
    for reader in connections.readers:
        reader.statements.clear()
    for position in range(2, 50):
        await journal.append_audio("s", bytes([position]))
        assert await anext(tail) == bytes([position])
        sequence = await journal.commit("s", [b"m"])
        assert await anext(messages) == Entry(sequence, b"m")
    assert [reader.statements for reader in connections.readers] == [[], []]
    await journal.close()


async def test_appends_beyond_the_bound_wait_in_line_and_keep_their_order(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(
        tmp_path / "journal.sqlite", tuning=Tuning(waiting_bytes=1000)
    )
    await journal.create(session("s"))
    chunks = [bytes([n]) * size for n, size in enumerate([600, 600, 5, 2000, 1, 300, 900])]
    tasks = [asyncio.ensure_future(journal.append_audio("s", chunk)) for chunk in chunks]
    await asyncio.sleep(0)
    seal = asyncio.ensure_future(journal.seal("s"))
    await asyncio.sleep(0)
    tasks[5].cancel()  # still in line: it is not stored
    await asyncio.gather(*tasks, return_exceptions=True)
    expected = b"".join(chunks[:5] + chunks[6:])
    assert await seal == len(expected)
    assert await journal.read_audio("s", 0, 10_000) == expected
    await journal.close()


async def swept(path: Path) -> None:
    """Wait until nothing of dropped sessions is left."""
    watcher = sqlite3.connect(path, isolation_level=None)
    async with asyncio.timeout(30):
        while watcher.execute("SELECT count(*) FROM session WHERE id IS NULL").fetchone()[0]:  # noqa: ASYNC110 -- a thread's work has no event to wait for
            await asyncio.sleep(0.01)
    assert watcher.execute("SELECT count(*) FROM audio").fetchone()[0] == 0
    assert watcher.execute("SELECT count(*) FROM message").fetchone()[0] == 0
    watcher.close()


async def test_the_file_does_not_grow_with_the_number_of_sessions_that_have_been(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    journal = await SqliteJournal.open(path)
    sizes = []
    for generation in range(4):
        name = f"s{generation}"
        await journal.create(session(name))
        for _ in range(8):
            await journal.append_audio(name, os.urandom(500_000))
        await journal.commit(name, [b"m"] * 600, b"p")
        await journal.drop(name)
        await swept(path)
        sizes.append(path.stat().st_size)
    assert sizes[-1] <= sizes[0] * 1.5
    await journal.close()


async def test_pages_that_a_peak_left_behind_go_back_to_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = await SqliteJournal.open(path)
    await journal.create(session("s"))
    for _ in range(10):
        await journal.append_audio("s", os.urandom(4_000_000))
    await journal.drop("s")
    await swept(path)
    await journal.close()
    # Sweeping goes on where it stopped; closing brings the log into the file.
    journal = await SqliteJournal.open(path)
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        watcher = sqlite3.connect(path, isolation_level=None)
        while watcher.execute("PRAGMA freelist_count").fetchone()[0] > 4096:  # noqa: ASYNC110 -- a thread's work has no event to wait for
            await asyncio.sleep(0.01)
        watcher.close()
    await journal.close()
    assert path.stat().st_size < 20_000_000


async def test_dropped_audio_is_overwritten_and_not_just_unlisted(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = await SqliteJournal.open(path)
    await journal.create(session("s"))
    await journal.append_audio("s", b"a word in confidence " * 50)
    await journal.close()
    assert b"in confidence" in path.read_bytes()
    journal = await SqliteJournal.open(path)
    await journal.drop("s")
    await swept(path)
    await journal.close()
    assert b"in confidence" not in path.read_bytes()


async def test_a_log_that_a_first_start_left_behind_does_not_hide_the_mode_of_the_file(
    tmp_path: Path,
) -> None:
    """After a power cut SQLite had rolled the file back to before this mode, beside its log."""
    path = tmp_path / "journal.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("DROP TABLE t")
    other.close()
    (tmp_path / "journal.sqlite-wal").write_bytes(bytes(32))
    for position in range(2):
        journal = await SqliteJournal.open(path)
        if not position:
            await journal.create(session("s"))
        assert await journal.append_audio("s", b"x") == (position, position + 1)
        await journal.close()


async def test_sweeping_that_a_crash_interrupted_goes_on_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = await SqliteJournal.open(path)
    for name in ("s", "t"):
        await journal.create(session(name))
    await journal.append_audio("s", b"x" * 100_000)
    await journal.close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE session SET id = NULL, token_hash = NULL WHERE id = 's'")
    other.close()
    journal = await SqliteJournal.open(path)
    await swept(path)
    assert [live.session.id for live in await journal.live()] == ["t"]
    await journal.seal("t")
    assert await everything(journal.tail_audio("t", 0)) == []
    await journal.close()


async def test_a_copy_made_while_sessions_run_opens_as_a_journal_of_that_moment(
    tmp_path: Path,
) -> None:
    path, copy = tmp_path / "data" / "journal.db", tmp_path / "copy" / "journal.db"
    copy.parent.mkdir()
    journal = await SqliteJournal.open(path)
    await journal.create(session("s"))
    await journal.append_audio("s", b"before")
    await journal.commit("s", [b"m"], b"point")
    with sqlite3.connect(path) as reader:
        reader.execute("VACUUM INTO ?", (str(copy),))
    reader.close()
    await journal.append_audio("s", b"after")
    await journal.close()

    journal = await SqliteJournal.open(copy)
    assert await journal.read_audio("s", 0, 99) == b"before"
    assert await journal.checkpoint("s") == b"point"
    assert await journal.append_audio("s", b"+") == (6, 7)
    await journal.close()


def held(folder: Path, secrets: Iterable[bytes]) -> bool:
    """Whether a file of a folder holds one of the secrets."""
    contents = [file.read_bytes() for file in folder.iterdir()]
    return any(secret in content for content in contents for secret in secrets)


async def vanished(folder: Path, *secrets: bytes) -> None:
    """Wait until no file of a folder holds any of the secrets."""
    async with asyncio.timeout(20):
        while held(folder, secrets):  # noqa: ASYNC110 -- a thread's work has no event to wait for
            await asyncio.sleep(0.02)


async def test_what_was_dropped_is_gone_from_every_file_while_the_journal_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Audio stayed in the log, and the request in the main file even after a clean stop."""
    monkeypatch.setattr(writer, "ERASE_SECONDS", 0.1)
    journal = await SqliteJournal.open(tmp_path / "journal.sqlite")
    request = b'{"custom_metadata": {"name": "a name in confidence"}}'
    await journal.create(replace(session("s"), request=request), [b"an address in confidence"])
    await journal.create(session("t"))
    await journal.append_audio("s", b"a word in confidence " * 50_000)
    for checkpoint in (b"a thought in confidence " * 900, b"another", b"small"):
        await journal.commit("s", [b"a sentence in confidence " * 5] * 300, checkpoint)
    await journal.drop("s")
    await journal.forget_announcements(1)

    await vanished(tmp_path, b"in confidence", b" confidence", b"a word in")

    await journal.append_audio("t", b"and it goes on")
    assert await journal.read_audio("t", 0, 100) == b"and it goes on"
    await journal.close()


async def test_a_reader_in_the_way_puts_the_erasure_off_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ERASE_SECONDS", 0.1)
    monkeypatch.setattr(writer, "ERASE_RETRY_SECONDS", 0.1)
    path = tmp_path / "journal.sqlite"
    journal = await SqliteJournal.open(path)
    await journal.create(session("s"))
    await journal.create(session("t"))
    await journal.append_audio("s", b"a word in confidence " * 50)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM audio").fetchone()
    await journal.drop("s")
    for _ in range(20):
        async with asyncio.timeout(4):  # the journal itself waits five seconds for a lock
            await journal.append_audio("t", b"audio")
            await asyncio.sleep(0.02)
    reader.execute("ROLLBACK")
    reader.close()
    await vanished(tmp_path, b"in confidence")
    await journal.close()
