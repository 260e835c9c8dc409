"""The journal's SQLite file: its tables, creation and opening.

Audio is stored in commit order with a narrow index beside it, which writes a third of the pages
of a table clustered by session. A session row without an id has been dropped; the sweeper
removes its data.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from vivavoce.durable import sync_folder
from vivavoce.journal.port import JournalError

APPLICATION_ID = 0x56564A4C  # "VVJL"
VERSION = 3
PAGE_BYTES = 4096

Connect = Callable[[Path], sqlite3.Connection]

_TABLES = """
CREATE TABLE session (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT UNIQUE,
  token_hash BLOB UNIQUE,
  request BLOB NOT NULL,
  created_at REAL NOT NULL,
  owner TEXT NOT NULL,
  sealed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX session_dropped ON session (key) WHERE id IS NULL;
CREATE TABLE audio (
  key INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session (key),
  start INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE UNIQUE INDEX audio_start ON audio (session, start);
CREATE TABLE message (
  key INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session (key),
  sequence INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE UNIQUE INDEX message_sequence ON message (session, sequence);
CREATE TABLE checkpoint (
  session INTEGER PRIMARY KEY REFERENCES session (key),
  data BLOB NOT NULL
);
CREATE TABLE probe (data BLOB NOT NULL);
"""

# Since version 2. Numbers must keep increasing after all rows have been deleted.
_ANNOUNCEMENTS = """
CREATE TABLE announcement (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  data BLOB NOT NULL
);
"""


# Since version 3. A marker without a channel applies to all channels.
_MARKERS = """
CREATE TABLE break_marker (
  session INTEGER NOT NULL REFERENCES session (key),
  number INTEGER NOT NULL,
  position INTEGER NOT NULL,
  channel INTEGER,
  PRIMARY KEY (session, number)
) WITHOUT ROWID;
"""

_ADDED = {2: _ANNOUNCEMENTS, 3: _MARKERS}
"""Tables by the version that added them."""


def connector(busy_seconds: float) -> Connect:
    """Return a function that opens connections with a lock timeout of ``busy_seconds``.

    Automatic WAL checkpoints are off: only the writer runs them, where errors are handled.
    """

    def connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in ("synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=0"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    return connect


def prepare(path: Path, connect: Connect) -> None:
    """Create the file and its tables, or check that an existing file is a journal.

    Raises:
        JournalError: the file is not a journal, is damaged, or is of a newer version.
        OSError: the file cannot be created.
    """
    _make_file(path)
    try:
        with closing(connect(path)) as connection:
            _prepare_tables(path, connection)
        # On a separate connection: with a log left by an earlier start, SQLite uses WAL mode
        # without recording it in the file. Copying a database may also lose the mode.
        with closing(connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        raise JournalError(f"{path} cannot be opened as a journal: {error}") from error


def _make_file(path: Path) -> None:
    """Create an owner-only file with a durable name; a link in its place is refused."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    sync_folder(path.parent)


def _prepare_tables(path: Path, connection: sqlite3.Connection) -> None:
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if (application, version, tables) == (0, 0, 0):
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(
            f"BEGIN; {_TABLES} {_added_since(1)} PRAGMA application_id={APPLICATION_ID};"
            f" PRAGMA user_version={VERSION}; COMMIT;"
        )
    elif application != APPLICATION_ID:
        raise JournalError(f"{path} is not a journal")
    elif version > VERSION:
        raise JournalError(f"{path} was made by a newer version ({version}, this is {VERSION})")
    elif version < VERSION:
        connection.executescript(
            f"BEGIN; {_added_since(version)} PRAGMA user_version={VERSION}; COMMIT;"
        )


def _added_since(version: int) -> str:
    return "".join(tables for number, tables in _ADDED.items() if number > version)
