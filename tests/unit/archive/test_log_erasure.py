import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from structlog.testing import capture_logs

from vivavoce.archive.database import connect
from vivavoce.archive.log_erasure import LogErasure, erase_log

tables = sql.MetaData()
notes = sql.Table("note", tables, sql.Column("id", sql.Integer), sql.Column("text", sql.Text))
REMOVED = "a name in confidence"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[sql.Engine]:
    made = connect(f"sqlite:///{tmp_path}/notes.sqlite", tables)
    yield made
    made.dispose()


def holds_secret(folder: Path) -> bool:
    return any(REMOVED.encode() in file.read_bytes() for file in folder.iterdir())


def write(engine: sql.Engine, *statements: sql.Executable) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "removal", [sql.delete(notes), sql.update(notes).values(text="")], ids=["delete", "update"]
)
async def test_what_is_removed_leaves_the_log_while_the_database_is_in_use(
    engine: sql.Engine, tmp_path: Path, removal: sql.Executable
) -> None:
    erasure = LogErasure(engine, 0.05)
    await asyncio.to_thread(write, engine, sql.insert(notes).values(id=1, text=REMOVED))
    await asyncio.to_thread(write, engine, removal)
    assert holds_secret(tmp_path)
    async with asyncio.timeout(10):
        while holds_secret(tmp_path):  # noqa: ASYNC110  a thread's work has no event to wait for
            await asyncio.sleep(0.01)
    await erasure.aclose()


async def test_a_reader_in_the_way_only_puts_it_off(engine: sql.Engine, tmp_path: Path) -> None:
    erasure = LogErasure(engine, 0.05)
    write(engine, sql.insert(notes).values(id=1, text=REMOVED))
    reader = sqlite3.connect(tmp_path / "notes.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM note").fetchone()
    write(engine, sql.delete(notes))
    assert not await asyncio.to_thread(erase_log, engine)
    reader.execute("ROLLBACK")
    reader.close()
    async with asyncio.timeout(10):
        while holds_secret(tmp_path):  # noqa: ASYNC110  a thread's work has no event to wait for
            await asyncio.sleep(0.01)
    await erasure.aclose()


async def test_a_failure_is_logged_and_tried_again(engine: sql.Engine, tmp_path: Path) -> None:
    erasure = LogErasure(engine, 0.02)
    write(engine, sql.insert(notes).values(id=1, text=REMOVED), sql.delete(notes))
    path = tmp_path / "notes.sqlite"
    whole = path.read_bytes()
    engine.dispose()
    path.write_bytes(b"no database" * 400)
    with capture_logs() as logs:
        async with asyncio.timeout(10):
            while len(logs) < 2:  # noqa: ASYNC110  as above
                await asyncio.sleep(0.01)
    assert {entry["event"] for entry in logs} == {"log_erasure_failed"}
    engine.dispose()
    path.write_bytes(whole)
    await erasure.aclose()
