"""Queries on the journal's SQLite file; each function uses a connection and one snapshot."""

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from vivavoce.journal.changes import Extent
from vivavoce.journal.port import (
    Announced,
    BreakMarker,
    Entry,
    JournalError,
    LiveSession,
    NewSession,
    UnknownSessionError,
)

_EXTENT = """
  coalesce((SELECT start + length(data) FROM audio WHERE session = s.key
            ORDER BY start DESC LIMIT 1), 0),
  sealed
"""
_LIVE = f"SELECT id, token_hash, request, created_at, owner, {_EXTENT} FROM session s WHERE "  # noqa: S608 -- constants only


class CorruptError(JournalError):
    """Stored bytes differ from those written; the text names the session and the range."""


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Run all reads in the block on the same state."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def locate(connection: sqlite3.Connection, session_id: str) -> tuple[int, Extent] | None:
    """Return a session's key and extent."""
    row = connection.execute(
        f"SELECT key, {_EXTENT}, coalesce((SELECT max(sequence) FROM message"  # noqa: S608 -- constants only
        " WHERE session = s.key), 0) FROM session s WHERE id = ?",
        (session_id,),
    ).fetchone()
    return row and (row[0], Extent(row[1], bool(row[2]), row[3]))


def extent(connection: sqlite3.Connection, session_id: str) -> Extent | None:
    """Return the length of a session."""
    found = locate(connection, session_id)
    return found and found[1]


def find(connection: sqlite3.Connection, session_id: str) -> LiveSession | None:
    """Return the session with this id."""
    return _live(connection.execute(_LIVE + "id = ?", (session_id,)).fetchone())


def find_by_token(connection: sqlite3.Connection, token_hash: bytes) -> LiveSession | None:
    """Return the session whose token has this hash."""
    return _live(connection.execute(_LIVE + "token_hash = ?", (token_hash,)).fetchone())


def live(
    connection: sqlite3.Connection, on_unreadable: Callable[[Exception], None]
) -> Sequence[LiveSession]:
    """Return every readable session, oldest first."""
    order = "SELECT key FROM session WHERE id IS NOT NULL ORDER BY created_at, key"
    sessions: list[LiveSession] = []
    for key in connection.execute(order).fetchall():
        try:
            found = _live(connection.execute(_LIVE + "key = ?", key).fetchone())
        except sqlite3.Error as error:
            on_unreadable(error)
        else:
            sessions += [found] if found else []
    return sessions


def _live(row: tuple[str, bytes, bytes, float, str, int, int] | None) -> LiveSession | None:
    return row and LiveSession(NewSession(*row[:5]), row[5], bool(row[6]))


def _key(connection: sqlite3.Connection, session_id: str) -> int:
    row = connection.execute("SELECT key FROM session WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise UnknownSessionError(session_id)
    return int(row[0])


def checkpoint(connection: sqlite3.Connection, session_id: str) -> bytes | None:
    """Return the latest checkpoint."""
    with snapshot(connection):
        key = _key(connection, session_id)
        row = connection.execute("SELECT data FROM checkpoint WHERE session = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


def read_entries(
    connection: sqlite3.Connection, session_id: str, after: int, limit: int = -1
) -> Sequence[Entry]:
    """Return the messages above ``after``, at most ``limit`` (negative: all)."""
    with snapshot(connection):
        rows = connection.execute(
            "SELECT sequence, data FROM message WHERE session = ? AND sequence > ?"
            " ORDER BY sequence LIMIT ?",
            (_key(connection, session_id), after, limit),
        ).fetchall()
    return [Entry(*row) for row in rows]


def last_marker(connection: sqlite3.Connection, key: int) -> BreakMarker | None:
    """Return the last break marker of the session with this key."""
    row = connection.execute(
        "SELECT number, position, channel FROM break_marker WHERE session = ?"
        " ORDER BY number DESC LIMIT 1",
        (key,),
    ).fetchone()
    return row and BreakMarker(*row)


def read_markers(
    connection: sqlite3.Connection, session_id: str, after: int
) -> Sequence[BreakMarker]:
    """Return the break markers with numbers above ``after``, in order."""
    with snapshot(connection):
        rows = connection.execute(
            "SELECT number, position, channel FROM break_marker"
            " WHERE session = ? AND number > ? ORDER BY number",
            (_key(connection, session_id), after),
        ).fetchall()
    return [BreakMarker(*row) for row in rows]


def read_announcements(
    connection: sqlite3.Connection, after: int, most: int, most_bytes: int
) -> Sequence[Announced]:
    """Return outbox events above ``after``: at most ``most``, fewer if they are large."""
    rows = connection.execute(
        "SELECT number, data FROM announcement WHERE number > ? ORDER BY number LIMIT ?",
        (after, most),
    )
    block: list[Announced] = []
    size = 0
    for row in rows:
        block.append(Announced(*row))
        size += len(row[1])
        if size >= most_bytes:
            break
    rows.close()
    return block


def last_announcement(connection: sqlite3.Connection) -> int:
    """Return the highest outbox event number assigned so far."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'announcement'")
    return int((row.fetchone() or (0,))[0])


def read_audio(connection: sqlite3.Connection, session_id: str, start: int, end: int) -> bytes:
    """Return the stored bytes ``[start, end)``, clipped to the existing audio.

    Raises:
        CorruptError: a checksum or a position is wrong.
    """
    start = max(start, 0)
    with snapshot(connection):
        key = _key(connection, session_id)
        rows = connection.execute(
            "SELECT start, crc, data FROM audio WHERE session = ? AND start < ? AND start >="
            " (SELECT max(start) FROM audio WHERE session = ? AND start <= ?) ORDER BY start",
            (key, end, key, start),
        ).fetchall()
    _verify(session_id, rows)
    if not rows or end <= start:
        return b""
    first = rows[0][0]
    return b"".join(data for _, _, data in rows)[start - first : end - first]


def _verify(session_id: str, rows: Sequence[tuple[int, int, bytes]]) -> None:
    """Check each row's checksum, and that it continues the previous one."""
    expected = rows[0][0] if rows else 0
    for start, crc, data in rows:
        if start != expected:
            raise CorruptError(f"session {session_id}: audio [{expected}, {start}) is missing")
        expected += len(data)
        if zlib.crc32(data) != crc:
            raise CorruptError(f"session {session_id}: audio [{start}, {expected}) is damaged")
