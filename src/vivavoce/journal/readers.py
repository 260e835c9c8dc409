"""A pool of threads that read the journal's file, each with its own connection."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from vivavoce.journal.port import JournalError, UnavailableError
from vivavoce.journal.schema import Connect

Result = TypeVar("Result")


_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_CANTOPEN,  # usually: no file descriptor is left
}


class Readers:
    """Runs queries off the event loop; a query sees all commits before its start."""

    def __init__(self, path: Path, connect: Connect, count: int = 2) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="journal-reader")
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._closed = False
        for _ in range(count):
            connection = connect(path)
            connection.execute("PRAGMA query_only=ON")
            self._idle.put(connection)

    async def run(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a query and return its result.

        Raises:
            UnavailableError: the file is temporarily unreadable.
            JournalError: the file cannot be read.
        """
        if self._closed:
            raise UnavailableError("the journal is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._query, query)

    def _query(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._idle.get()
        try:
            return query(connection)
        except sqlite3.Error as error:
            text = f"the journal cannot be read: {error}"
            passing = getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING
            raise (UnavailableError if passing else JournalError)(text) from error
        finally:
            self._idle.put(connection)

    async def close(self) -> None:
        """Finish pending queries and close the connections."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        while not self._idle.empty():
            self._idle.get().close()
