"""Connections that watch what is done with them and fail when told to."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def storage_error(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorname = name
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


class Connection(sqlite3.Connection):
    statements: list[str]
    fail_commit: sqlite3.Error | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self.statements.append(sql)
        if sql == "COMMIT" and self.fail_commit is not None:
            raise self.fail_commit
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        self.statements.append(sql)
        return super().executemany(sql, parameters)


class Connections:
    """A ``Connect`` that keeps what it made: preparation (2), readers (2), writer, sweeper."""

    def __init__(self, busy_seconds: float = 0.05) -> None:
        self.made: list[Connection] = []
        self._busy_seconds = busy_seconds

    def __call__(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
        connection.statements = []
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")
        self.made.append(connection)
        return connection

    @property
    def readers(self) -> list[Connection]:
        return self.made[2:4]

    @property
    def writer(self) -> Connection:
        return self.made[4]
