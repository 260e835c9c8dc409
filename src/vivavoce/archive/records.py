"""The records of sessions in an SQL database, through SQLAlchemy Core.

The database is SQLite; only the connection's settings are specific to it. Calls run in a thread
pool, each in its own transaction, and never in the event loop.
"""

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, time
from itertools import islice
from typing import Any, Self, TypeVar

import msgspec
import sqlalchemy as sql
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

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
    UnreadableError,
)

Result = TypeVar("Result")
OnUnreadable = Callable[[str, Exception], None]

_DAMAGED = (ValueError, TypeError, AttributeError, msgspec.MsgspecError)
"""Exceptions raised by a value of the wrong kind for its column."""

_THREADS = 4
_MOST = 2**31 - 2  # longer than any list, and within every database's integers
_SCAN_ROWS = 200
_PAGE_ROWS = 16  # read at once: each request may have a megabyte
_DAY_SECONDS = 86_400
_PLAIN_SIZE = 600  # bytes of JSON in a record besides its documents

_check = msgspec.json.Decoder(msgspec.Raw).decode

_columns = session_table.c
_facts = tuple(column for column in _columns if column.name != "result")
# Earlier versions stored text here; the null type prevents any conversion by the driver.
_result = sql.type_coerce(_columns.result, sql.types.NullType()).label("result")
_newest_first = (_columns.created_at.desc(), _columns.id.desc())


def _ignore(_session_id: str, _error: Exception) -> None:
    """Report nothing."""


class SqlRecords:
    """The records port on a database. Created by ``open``."""

    def __init__(self, engine: sql.Engine, on_unreadable: OnUnreadable = _ignore) -> None:
        self._engine = engine
        self._erasure = LogErasure(engine)
        self._on_unreadable = on_unreadable
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="records")

    @classmethod
    async def open(cls, url: str, on_unreadable: OnUnreadable = _ignore) -> Self:
        """Open the database at an SQLAlchemy URL and create missing tables.

        Args:
            url: an SQLAlchemy URL.
            on_unreadable: receives the id and the error of each damaged record; called from any
                thread.

        Raises:
            UnavailableError: the database cannot be opened.
            OSError: a local file cannot be created.
        """
        try:
            return cls(await asyncio.to_thread(connect, url), on_unreadable)
        except SQLAlchemyError as error:
            place = sql.make_url(url).database
            raise UnavailableError(f"{place} cannot be opened: {reason(error)}") from error

    async def add(self, record: NewRecord) -> None:
        """Store a new session with the status queued."""
        row = _columns_of(Record(**msgspec.structs.asdict(record)))
        try:
            await self._run(lambda db: db.execute(sql.insert(session_table), row))
        except IntegrityError as error:
            raise ExistsError(record.id) from error

    async def set_status(self, session_id: str, status: Status) -> bool:
        """Set another unfinished status on an unfinished session; False if it has finished."""
        if status in FINISHED:
            raise ValueError("a session finishes with a result or a failure")
        return await self._advance(session_id, {"status": status})

    async def finish(
        self, session_id: str, result: bytes, file: AudioFile | None, completed_at: float
    ) -> bool:
        """Store the result, replacing a failure; False if the session already has a result."""
        values = {
            "status": Status.DONE,
            "completed_at": completed_at,
            "error_code": None,
            "result": result,
            "file": _file_text(file),
        }
        return await self._advance(session_id, values, final=frozenset({Status.DONE}))

    async def fail(
        self,
        session_id: str,
        code: int,
        completed_at: float,
        *,
        result: bytes | None = None,
        file: AudioFile | None = None,
    ) -> bool:
        """Store a failure and any partial result; False if the session has already finished."""
        values = {
            "status": Status.ERROR,
            "completed_at": completed_at,
            "error_code": code,
            "result": result,
            "file": _file_text(file),
        }
        return await self._advance(session_id, values)

    async def get(self, session_id: str, owner: str) -> Record:
        """Return one record of this owner with its result."""
        return await self._run(lambda db: self._one(db, session_id, owner, *_facts, _result))

    async def summary(self, session_id: str, owner: str) -> Record:
        """Return one record of this owner without its result."""
        return await self._run(lambda db: self._one(db, session_id, owner, *_facts))

    def _one(
        self, db: sql.Connection, session_id: str, owner: str, *columns: sql.ColumnElement[Any]
    ) -> Record:
        row = db.execute(sql.select(*columns).where(_is(session_id, owner))).one_or_none()
        if row is None:
            raise NotFoundError(session_id)
        try:
            return _record(row)
        except _DAMAGED as error:
            self._on_unreadable(session_id, error)
            raise UnreadableError(f"the record of session {session_id} is damaged") from error

    async def list(self, owner: str, query: Query) -> Page:
        """Return the owner's records matching a query, newest first."""
        query = msgspec.structs.replace(
            query, offset=min(query.offset, _MOST), limit=min(query.limit, _MOST)
        )
        if query.texts or query.contains:
            return await self._run(lambda db: _scan(db, owner, query, self._on_unreadable))
        return await self._run(lambda db: _slice(db, owner, query, self._on_unreadable))

    async def delete(self, session_id: str, owner: str) -> None:
        """Delete the record of a finished session of this owner."""
        await self._run(lambda db: _delete(db, session_id, owner))

    async def patch(self, session_id: str, owner: str, metadata: bytes) -> None:
        """Replace the post-session metadata."""
        update = (
            sql.update(session_table)
            .where(_is(session_id, owner))
            .values(post_session_metadata=metadata.decode())
        )
        if not await self._run(lambda db: db.execute(update).rowcount):
            raise NotFoundError(session_id)

    async def close(self) -> None:
        """Finish pending work and close the database."""
        await asyncio.to_thread(self._threads.shutdown)
        await self._erasure.aclose()
        await asyncio.to_thread(self._engine.dispose)

    async def _advance(
        self, session_id: str, values: dict[str, Any], final: frozenset[Status] = FINISHED
    ) -> bool:
        """Update a record that is in none of the final states; False if it is in one."""
        return await self._run(lambda db: _advance(db, session_id, values, final))

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


def _advance(
    db: sql.Connection, session_id: str, values: dict[str, Any], final: frozenset[Status]
) -> bool:
    unfinished = sql.and_(_columns.id == session_id, _columns.status.not_in(final))
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
    """Yield the filters that the database evaluates."""
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


def _rows(
    db: sql.Connection, select: sql.Select[Any], on_unreadable: OnUnreadable, at_once: int
) -> Generator[sql.Row[Any] | None, None, None]:
    """Yield the rows of a query that selects the id; None in place of a damaged row.

    Rows are read ``at_once`` at a time.
    """
    seen = set()
    try:
        with closing(db.execution_options(yield_per=at_once).execute(select)) as rows:
            for row in rows:
                seen.add(row.id)
                yield row
        return
    except DBAPIError:  # one invalid text fails the whole query, as does a locked database
        ids = db.execute(select.with_only_columns(_columns.id)).scalars().all()
    for session_id in (each for each in ids if each not in seen):
        one = select.where(_columns.id == session_id).offset(None).limit(None)
        try:
            yield db.execute(one).one_or_none()
        except DBAPIError as error:
            on_unreadable(session_id, error)
            yield None


def _slice(db: sql.Connection, owner: str, query: Query, on_unreadable: OnUnreadable) -> Page:
    select = (
        sql.select(*_facts)
        .where(*_filters(owner, query))
        .order_by(*_newest_first)
        .offset(query.offset)
        .limit(query.limit + 1)
    )
    with closing(_rows(db, select, on_unreadable, _PAGE_ROWS)) as rows:
        return _page(rows, query, on_unreadable)


def _scan(db: sql.Connection, owner: str, query: Query, on_unreadable: OnUnreadable) -> Page:
    """Scan only the metadata, newest first, and fetch the records of the page."""
    select = (
        sql.select(_columns.id, _columns.custom_metadata)
        .where(*_filters(owner, query), _columns.custom_metadata.is_not(None))
        .order_by(*_newest_first)
    )
    with closing(_rows(db, select, on_unreadable, _SCAN_ROWS)) as rows:
        found = (row.id for row in rows if row and _matches(row, query, on_unreadable))
        ids = list(islice(found, query.offset, query.offset + query.limit + 1))
    with closing(_fetch(db, ids, on_unreadable)) as found_rows:
        return _page(found_rows, query, on_unreadable)


def _matches(row: sql.Row[Any], query: Query, on_unreadable: OnUnreadable) -> bool:
    try:
        metadata = msgspec.json.decode(row.custom_metadata)
    except _DAMAGED as error:
        on_unreadable(row.id, error)
        return False
    return matches(metadata, query.texts, query.contains)


def _fetch(
    db: sql.Connection, ids: list[str], on_unreadable: OnUnreadable
) -> Generator[sql.Row[Any] | None, None, None]:
    """Yield the rows of these sessions, in small batches; None in place of a damaged row."""
    for start in range(0, len(ids), _PAGE_ROWS):
        some = ids[start : start + _PAGE_ROWS]
        select = sql.select(*_facts).where(_columns.id.in_(some)).order_by(*_newest_first)
        yield from _rows(db, select, on_unreadable, _PAGE_ROWS)


def _page(rows: Iterable[sql.Row[Any] | None], query: Query, on_unreadable: OnUnreadable) -> Page:
    """Return a page of the rows that fit; damaged rows count as covered but are omitted."""
    records: list[Record] = []
    room = query.most_bytes
    place = -1
    for place, row in enumerate(rows):
        record = row and _readable(row, on_unreadable)
        room -= _size(record) if record else 0
        if place == query.limit or (records and room < 0):
            return Page(records, place, more=True)
        if record:
            records.append(record)
    return Page(records, place + 1, more=False)


def _readable(row: sql.Row[Any], on_unreadable: OnUnreadable) -> Record | None:
    try:
        return _record(row)
    except _DAMAGED as error:
        on_unreadable(row.id, error)
        return None


def _size(record: Record) -> int:
    """Return the size of a record's JSON documents, plus an allowance for the other fields."""
    documents = (record.request, record.custom_metadata, record.post_session_metadata)
    return _PLAIN_SIZE + sum(len(document or b"") for document in documents)


def _columns_of(record: Record) -> dict[str, Any]:
    """Return a record as a row, with JSON as text."""
    row = msgspec.structs.asdict(record)
    row["file"] = _file_text(record.file)
    return {
        key: value.decode() if isinstance(value, bytes) else value for key, value in row.items()
    }


def _file_text(file: AudioFile | None) -> str | None:
    return None if file is None else msgspec.json.encode(file).decode()


def _record(row: sql.Row[Any]) -> Record:
    for document in (row.request, row.custom_metadata, row.post_session_metadata):
        if document is not None:
            _check(document)  # responses include it unchanged
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
