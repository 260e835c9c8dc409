"""The records of sessions in an SQL database, by SQLAlchemy Core.

SQLite today; nothing here but the connection's settings is SQLite's own. Calls run in a few
threads, each a transaction of its own, and never in the event loop.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, time
from itertools import islice
from typing import Any, Self, TypeVar

import msgspec
import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from vivavoce.archive.database import connect, reason, session_table
from vivavoce.archive.log_erasure import LogErasure
from vivavoce.archive.metadata import matches
from vivavoce.archive.port import (
    FINISHED,
    AudioFile,
    ExistsError,
    NewRecord,
    NotFinishedError,
    NotFoundError,
    Page,
    Query,
    Record,
    Status,
    UnavailableError,
)

Result = TypeVar("Result")
_THREADS = 4
_MOST = 2**31 - 2  # no list is longer, and every database counts so far
_SCAN_ROWS = 200
_PAGE_ROWS = 16  # read at once: their requests may have a megabyte each
_DAY_SECONDS = 86_400
_PLAIN_SIZE = 600  # of JSON in a record, its documents aside

_columns = session_table.c
_facts = tuple(column for column in _columns if column.name != "result")
# Earlier versions stored text here; no type makes the database's driver convert nothing.
_result = sql.type_coerce(_columns.result, sql.types.NullType()).label("result")
_newest_first = (_columns.created_at.desc(), _columns.id.desc())


class SqlRecords:
    """The records port on a database. Made by ``open``."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine
        self._erasure = LogErasure(engine)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="records")

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the database at an SQLAlchemy URL and make the tables that are missing.

        Raises:
            UnavailableError: it cannot be opened.
            OSError: a local file cannot be made.
        """
        try:
            return cls(await asyncio.to_thread(connect, url))
        except SQLAlchemyError as error:
            place = sql.make_url(url).database
            raise UnavailableError(f"{place} cannot be opened: {reason(error)}") from error

    async def add(self, record: NewRecord) -> None:
        """Keep a new session as queued."""
        row = _columns_of(Record(**msgspec.structs.asdict(record)))
        try:
            await self._run(lambda db: db.execute(sql.insert(session_table), row))
        except IntegrityError as error:
            raise ExistsError(record.id) from error

    async def set_status(self, session_id: str, status: Status) -> bool:
        """Move an unfinished session to another unfinished status; False if it has finished."""
        if status in FINISHED:
            raise ValueError("a session finishes with a result or a failure")
        return await self._advance(session_id, {"status": status})

    async def finish(
        self, session_id: str, result: bytes, file: AudioFile | None, completed_at: float
    ) -> bool:
        """Store the result; False if the session had finished before."""
        values = {
            "status": Status.DONE,
            "completed_at": completed_at,
            "result": result,
            "file": _file_text(file),
        }
        return await self._advance(session_id, values)

    async def fail(self, session_id: str, code: int, completed_at: float) -> bool:
        """Store a failure; False if the session had finished before."""
        values = {"status": Status.ERROR, "completed_at": completed_at, "error_code": code}
        return await self._advance(session_id, values)

    async def get(self, session_id: str, owner: str) -> Record:
        """One record of this owner with its result."""
        return await self._run(lambda db: _one(db, session_id, owner, *_facts, _result))

    async def summary(self, session_id: str, owner: str) -> Record:
        """One record of this owner without its result."""
        return await self._run(lambda db: _one(db, session_id, owner, *_facts))

    async def list(self, owner: str, query: Query) -> Page:
        """The owner's records that a query asks for, newest first."""
        query = msgspec.structs.replace(
            query, offset=min(query.offset, _MOST), limit=min(query.limit, _MOST)
        )
        if query.texts or query.contains:
            return await self._run(lambda db: _scan(db, owner, query))
        return await self._run(lambda db: _slice(db, owner, query))

    async def delete(self, session_id: str, owner: str) -> None:
        """Remove a finished session of this owner."""
        await self._run(lambda db: _delete(db, session_id, owner))

    async def patch(self, session_id: str, owner: str, metadata: bytes) -> None:
        """Replace the metadata that is added after the session."""
        update = (
            sql.update(session_table)
            .where(_is(session_id, owner))
            .values(post_session_metadata=metadata.decode())
        )
        if not await self._run(lambda db: db.execute(update).rowcount):
            raise NotFoundError(session_id)

    async def close(self) -> None:
        """Finish what was begun and let the database go."""
        await asyncio.to_thread(self._threads.shutdown)
        await self._erasure.aclose()
        await asyncio.to_thread(self._engine.dispose)

    async def _advance(self, session_id: str, values: dict[str, Any]) -> bool:
        return await self._run(lambda db: _advance(db, session_id, values))

    async def _run(self, work: Callable[[sql.Connection], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._transact, work)

    def _transact(self, work: Callable[[sql.Connection], Result]) -> Result:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise UnavailableError(f"the records do not answer: {reason(error)}") from error


def _is(session_id: str, owner: str) -> sql.ColumnElement[bool]:
    return sql.and_(_columns.id == session_id, _columns.owner == owner)


def _advance(db: sql.Connection, session_id: str, values: dict[str, Any]) -> bool:
    unfinished = sql.and_(_columns.id == session_id, _columns.status.not_in(FINISHED))
    if db.execute(sql.update(session_table).where(unfinished).values(values)).rowcount:
        return True
    if db.execute(sql.select(_columns.id).where(_columns.id == session_id)).first() is None:
        raise NotFoundError(session_id)
    return False


def _delete(db: sql.Connection, session_id: str, owner: str) -> None:
    finished = sql.and_(_is(session_id, owner), _columns.status.in_(FINISHED))
    if db.execute(sql.delete(session_table).where(finished)).rowcount:
        return
    if db.execute(sql.select(_columns.id).where(_is(session_id, owner))).first() is None:
        raise NotFoundError(session_id)
    raise NotFinishedError(session_id)


def _filters(owner: str, query: Query) -> Iterator[sql.ColumnElement[bool]]:
    """What the database itself can decide."""
    yield _columns.owner == owner
    if query.day is not None:
        midnight = datetime.combine(query.day, time.min, UTC).timestamp()
        yield _columns.created_at >= midnight
        yield _columns.created_at < midnight + _DAY_SECONDS
    if query.before is not None:
        yield _columns.created_at < query.before
    if query.after is not None:
        yield _columns.created_at >= query.after
    if query.statuses:
        yield _columns.status.in_(query.statuses)


def _one(
    db: sql.Connection, session_id: str, owner: str, *columns: sql.ColumnElement[Any]
) -> Record:
    row = db.execute(sql.select(*columns).where(_is(session_id, owner))).one_or_none()
    if row is None:
        raise NotFoundError(session_id)
    return _record(row)


def _slice(db: sql.Connection, owner: str, query: Query) -> Page:
    select = (
        sql.select(*_facts)
        .where(*_filters(owner, query))
        .order_by(*_newest_first)
        .offset(query.offset)
        .limit(query.limit + 1)
    )
    with closing(db.execution_options(yield_per=_PAGE_ROWS).execute(select)) as rows:
        return _page(rows, query)


def _scan(db: sql.Connection, owner: str, query: Query) -> Page:
    """Go through the metadata alone, newest first, and fetch the records of the page."""
    select = (
        sql.select(_columns.id, _columns.custom_metadata)
        .where(*_filters(owner, query), _columns.custom_metadata.is_not(None))
        .order_by(*_newest_first)
    )
    with closing(db.execution_options(yield_per=_SCAN_ROWS).execute(select)) as rows:
        found = (
            row.id
            for row in rows
            if matches(msgspec.json.decode(row.custom_metadata), query.texts, query.contains)
        )
        ids = list(islice(found, query.offset, query.offset + query.limit + 1))
    return _page(_fetch(db, ids), query)


def _fetch(db: sql.Connection, ids: list[str]) -> Iterator[sql.Row[Any]]:
    """The rows of some sessions, a few at a time."""
    for start in range(0, len(ids), _PAGE_ROWS):
        some = ids[start : start + _PAGE_ROWS]
        select = sql.select(*_facts).where(_columns.id.in_(some)).order_by(*_newest_first)
        yield from db.execute(select)


def _page(rows: Iterable[sql.Row[Any]], query: Query) -> Page:
    """A page of these rows, which are read as far as they fit."""
    records: list[Record] = []
    room = query.most_bytes
    for record in map(_record, rows):
        room -= _size(record)
        if len(records) == query.limit or (records and room < 0):
            return Page(records, more=True)
        records.append(record)
    return Page(records, more=False)


def _size(record: Record) -> int:
    """Bytes of JSON that a client may have put into a record, and some for the rest."""
    documents = (record.request, record.custom_metadata, record.post_session_metadata)
    return _PLAIN_SIZE + sum(len(document or b"") for document in documents)


def _columns_of(record: Record) -> dict[str, Any]:
    """A record as a row: JSON as text."""
    row = msgspec.structs.asdict(record)
    row["file"] = _file_text(record.file)
    return {
        key: value.decode() if isinstance(value, bytes) else value for key, value in row.items()
    }


def _file_text(file: AudioFile | None) -> str | None:
    return None if file is None else msgspec.json.encode(file).decode()


def _record(row: sql.Row[Any]) -> Record:
    return Record(
        id=row.id,
        owner=row.owner,
        created_at=row.created_at,
        request=row.request.encode(),
        custom_metadata=_bytes(row.custom_metadata),
        status=Status(row.status),
        completed_at=row.completed_at,
        error_code=row.error_code,
        post_session_metadata=row.post_session_metadata.encode(),
        file=None if row.file is None else msgspec.json.decode(row.file, type=AudioFile),
        result=_bytes(getattr(row, "result", None)),
    )


def _bytes(stored: str | bytes | None) -> bytes | None:
    return stored.encode() if isinstance(stored, str) else stored
