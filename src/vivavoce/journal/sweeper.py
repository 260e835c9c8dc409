"""Frees the space of dropped sessions in slices that block the writer only briefly.

A three-hour session is 345 MB. Slices are transactions without their own sync: a slice lost in a
power failure is repeated, and the writer's next sync covers it anyway.
"""

import sqlite3

SLICE_ROWS = 256
SLICE_BYTES = 512 * 1024
SLICE_PAGES = 128
SPARE_PAGES = 4096


class Sweeper:
    """A connection for deletions, used by the writer's thread between commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("PRAGMA synchronous=NORMAL")
        # Data that a user deleted must not remain in free pages.
        connection.execute("PRAGMA secure_delete=ON")

    def step(self) -> bool:
        """Free one slice; False when no work is left.

        Raises:
            sqlite3.Error: the slice was not freed; call ``undo``.
        """
        row = self._connection.execute(
            "SELECT key FROM session WHERE id IS NULL ORDER BY key LIMIT 1"
        ).fetchone()
        if row is None:
            return self._shrink()
        self._connection.execute("BEGIN IMMEDIATE")
        if not (self._delete_audio(row[0]) or self._delete_messages(row[0])):
            self._connection.execute("DELETE FROM break_marker WHERE session = ?", row)
            self._connection.execute("DELETE FROM checkpoint WHERE session = ?", row)
            self._connection.execute("DELETE FROM session WHERE key = ?", row)
        self._connection.execute("COMMIT")
        return True

    def undo(self) -> None:
        """Roll back an open transaction after a failure."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _delete_audio(self, key: int) -> bool:
        rows = self._connection.execute(
            "SELECT start FROM audio WHERE session = ? ORDER BY start LIMIT ?",
            (key, SLICE_ROWS),
        ).fetchall()
        if not rows:
            return False
        bound = rows[0][0] + SLICE_BYTES
        last = max(start for (start,) in rows if start < bound)
        self._connection.execute("DELETE FROM audio WHERE session = ? AND start <= ?", (key, last))
        return True

    def _delete_messages(self, key: int) -> bool:
        cursor = self._connection.execute(
            "DELETE FROM message WHERE key IN"
            " (SELECT key FROM message WHERE session = ? ORDER BY sequence LIMIT ?)",
            (key, SLICE_ROWS),
        )
        return cursor.rowcount > 0

    def _shrink(self) -> bool:
        """Return free pages to the file system, keeping ``SPARE_PAGES`` for new sessions."""
        [free] = self._connection.execute("PRAGMA freelist_count").fetchone()
        if free <= SPARE_PAGES:
            return False
        self._connection.execute(f"PRAGMA incremental_vacuum({SLICE_PAGES})").fetchall()
        return True
