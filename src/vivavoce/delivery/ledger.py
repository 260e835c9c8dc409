"""The database of deliveries, behind one thread that does what was asked meanwhile in one commit.

A sync costs the same for one change as for a hundred: while one commit is under way, the next
gathers. The command line opens the same file beside a running server.
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
    """The database of deliveries does not answer or cannot be written; try again later."""


class RefusedWorkError(Exception):
    """Work that cannot be done and has changed nothing; the rest of its commit is not touched."""


class Ledger:
    """Runs pieces of work on the database. Made by ``open``."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine
        self._erasure = LogErasure(engine)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deliveries")
        self._asked: list[tuple[Work, asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open the database at an SQLAlchemy URL and make the tables that are missing.

        Raises:
            LedgerError: it cannot be opened.
            OSError: a local file cannot be made.
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
        """What the work returned, once it is durable. Work is done in the order it is asked for.

        Work that fails changes nothing, and the rest of its commit stands.

        Raises:
            LedgerError: the database failed at it, or it is not known to be durable.
            Exception: whatever the work raised.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._asked.append((work, future))
        if self._running is None:
            self._running = asyncio.create_task(self._work(), name="deliveries ledger")
        return await future

    async def close(self) -> None:
        """Finish what was asked for and let the database go."""
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
                except Exception as error:  # noqa: BLE001  no thread is left; every caller raises it
                    done = [_refusal(error)] * len(group)
                except asyncio.CancelledError as error:
                    _resolve_all(group, [_refusal(error)] * len(group))
                    raise
                _resolve_all(group, done)
        finally:
            self._running = None

    def _transact(self, works: list[Work]) -> list[Any]:
        """All of it in one transaction; each work has its own outcome, a result or an error."""
        try:
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "sqlite":
                    # Its driver begins none before a savepoint, which would then be the outermost.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                return [_attempt(work, connection) for work in works]
        except Exception as error:  # noqa: BLE001  every caller of the group raises it
            return [_refusal(error)] * len(works)


def _attempt(work: Work, connection: sql.Connection) -> Any:
    """What the work returned, or why it failed; then nothing of it is left.

    Raises:
        SQLAlchemyError: the transaction itself is lost (a full disk ends it, for example).
    """
    # By hand: as objects of the library they would cost as much as the work itself.
    connection.exec_driver_sql("SAVEPOINT work")
    try:
        result = work(connection)
    except Exception as error:  # noqa: BLE001  the caller of this work raises it
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT work")
        result = _refusal(error) if isinstance(error, SQLAlchemyError) else error
    connection.exec_driver_sql("RELEASE SAVEPOINT work")
    return result


def _refusal(error: BaseException) -> LedgerError:
    # Not the statement and its parameters, which hold the content of sessions.
    why = reason(error) if isinstance(error, SQLAlchemyError) else str(error).partition("\n")[0]
    refusal = LedgerError(f"the deliveries do not answer: {why}")
    refusal.__cause__ = error
    return refusal


def _resolve_all(group: Sequence[tuple[Work, asyncio.Future[Any]]], results: Sequence[Any]) -> None:
    for (_, future), result in zip(group, results, strict=True):
        _resolve(future, result)


def _resolve(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():  # nobody waits any more
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
