"""Empties an SQLite write-ahead log soon after a deletion, since the log keeps old pages.

``secure_delete`` overwrites deleted data in the tables; earlier versions of the pages remain in
the log until it is emptied.
"""

import asyncio
from contextlib import suppress
from typing import Any

import sqlalchemy as sql
import structlog
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)

ERASE_SECONDS = 20.0
"""Seconds from the first deletion to the emptying of the log, which covers later deletions."""

ERASE_WAIT_MS = 100
"""Timeout for readers; after it, the attempt is repeated later."""


class LogErasure:
    """Watches an engine for deletions and updates, and empties its log afterwards.

    Create it in the event loop that uses the engine. It does nothing for databases other than
    SQLite.
    """

    def __init__(self, engine: sql.Engine, seconds: float = ERASE_SECONDS) -> None:
        self._engine = engine
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._due = False
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[bool] | None = None
        if engine.dialect.name == "sqlite":
            sql.event.listen(engine, "after_cursor_execute", self._executed)

    async def aclose(self) -> None:
        """Stop; SQLite removes the log when the last connection closes."""
        self._due = True  # prevents further runs
        if self._timer is not None:
            self._timer.cancel()
        if self._running is not None:
            await asyncio.wait([self._running])

    def _executed(self, *arguments: Any) -> None:
        """Handle an executed statement; called in the thread that ran it."""
        context = arguments[4]
        if (context.isdelete or context.isupdate) and not self._due:
            self._due = True
            with suppress(RuntimeError):  # the loop is closed; the log is removed with the database
                self._loop.call_soon_threadsafe(self._wait)

    def _wait(self) -> None:
        self._timer = self._loop.call_later(self._seconds, self._begin)

    def _begin(self) -> None:
        self._due = False
        self._timer = None
        self._running = self._loop.run_in_executor(None, erase_log, self._engine)
        self._running.add_done_callback(self._ended)

    def _ended(self, running: asyncio.Future[bool]) -> None:
        self._running = None
        failure = None if running.cancelled() else running.exception()
        if failure is not None:
            log.warning("log_erasure_failed", error=type(failure).__name__)
        if (failure is not None or not running.result()) and not self._due:
            self._due = True
            self._wait()


def erase_log(engine: sql.Engine) -> bool:
    """Merge the log and empty its file; False if a reader prevents it.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    with engine.connect() as connection:
        [patience] = connection.exec_driver_sql("PRAGMA busy_timeout").one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={ERASE_WAIT_MS}")
        try:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        except SQLAlchemyError:
            connection.invalidate()  # its state is unknown
            raise
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
    return not busy
