"""The delivery store: the database of deliveries, used by one thread with group commit.

A sync costs the same for one change as for a hundred, so work that arrives during one commit is
collected for the next. The command line opens the same file while a server runs.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from vivavoce.archive.database import connect, reason
from vivavoce.archive.log_erasure import LogErasure
from vivavoce.delivery.tables import tables

GROUP = 256
FILE = "deliveries.db"

Result = TypeVar("Result")
Work = Callable[[sql.Connection], Any]


class LedgerError(Exception):
    """The database of deliveries is unavailable or cannot be written; the call may be retried."""


class RefusedWorkError(Exception):
    """The work was refused and changed nothing; the rest of its commit is unaffected."""


class Ledger:
    """Runs work on the database. Created by ``open``."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine
        self._erasure = LogErasure(engine)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deliveries")
        self._asked: list[tuple[Work, asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the database at an SQLAlchemy URL and create missing tables.

        Raises:
            LedgerError: the database cannot be opened.
            OSError: a local file cannot be created.
        """
        try:
            return cls(await asyncio.to_thread(connect, url, tables))
        except SQLAlchemyError as error:
            raise LedgerError(f"the deliveries cannot be opened: {reason(error)}") from error

    @classmethod
    async def of_folder(cls, folder: Path) -> Self:
        """Open the database of a data folder."""
        return await cls.open(f"sqlite:///{os.fspath(folder / FILE)}")

    async def run(self, work: Callable[[sql.Connection], Result]) -> Result:
        """Run work and return its result once it is durable. Work runs in the order of the calls.

        Work that fails changes nothing, and the rest of its commit is unaffected.

        Raises:
            LedgerError: the database failed, or it is unknown whether the work is durable.
            Exception: any exception of the work.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._asked.append((work, future))
        if self._running is None:
            self._running = asyncio.create_task(self._work(), name="deliveries ledger")
        return await future

    async def close(self) -> None:
        """Finish pending work and close the database."""
        while self._running is not None:
            await asyncio.wait([self._running])
        await asyncio.to_thread(self._thread.shutdown)
        await self._erasure.aclose()
        await asyncio.to_thread(self._engine.dispose)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._asked:
                group, self._asked = self._asked[:GROUP], self._asked[GROUP:]
                works = [work for work, _ in group]
                try:
                    done = await loop.run_in_executor(self._thread, self._transact, works)
                except Exception as error:  # noqa: BLE001  no thread available; every caller raises it
                    done = [_refusal(error)] * len(group)
                except asyncio.CancelledError as error:
                    _resolve_all(group, [_refusal(error)] * len(group))
                    raise
                _resolve_all(group, done)
        finally:
            self._running = None

    def _transact(self, works: list[Work]) -> list[Any]:
        """Run all works in one transaction; return a result or an error for each."""
        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "sqlite":
                    # The driver does not begin a transaction before a savepoint.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                return [_attempt(work, connection) for work in works]
        except Exception as error:  # noqa: BLE001  every caller of the group raises it
            return [_refusal(error)] * len(works)


def _attempt(work: Work, connection: sql.Connection) -> Any:
    """Return the result of the work, or its error after rolling it back.

    Raises:
        SQLAlchemyError: the transaction itself is lost (for example, on a full disk).
    """
    # Plain SQL: the library's savepoint objects would cost as much as the work itself.
    connection.exec_driver_sql("SAVEPOINT work")
    try:
        result = work(connection)
    except Exception as error:  # noqa: BLE001  the caller of this work raises it
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT work")
        result = _refusal(error) if isinstance(error, SQLAlchemyError) else error
    connection.exec_driver_sql("RELEASE SAVEPOINT work")
    return result


def _refusal(error: BaseException) -> LedgerError:
    # Without the statement and its parameters, which contain session data.
    why = reason(error) if isinstance(error, SQLAlchemyError) else str(error).partition("\n")[0]
    refusal = LedgerError(f"the deliveries do not answer: {why}")
    refusal.__cause__ = error
    return refusal


def _resolve_all(group: Sequence[tuple[Work, asyncio.Future[Any]]], results: Sequence[Any]) -> None:
    for (_, future), result in zip(group, results, strict=True):
        _resolve(future, result)


def _resolve(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():  # the caller was cancelled
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
