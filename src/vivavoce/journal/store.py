"""Writing to the journal's SQLite file: groups of changes, each group one synced transaction.

Used by the writer's thread only. The state of a session after the last commit is cached in memory
from its first use, so that an append costs no read.
"""

import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vivavoce.journal import queries
from vivavoce.journal.changes import Change, Extent
from vivavoce.journal.port import (
    Announce,
    BreakMarker,
    Entry,
    JournalError,
    NewSession,
    SealedError,
    UnknownSessionError,
)

ROW_BYTES = 256 * 1024
PROBE_BYTES = 256 * 1024
COLUMNS = 4
ROWS_AT_ONCE = 100
"""Rows per INSERT: each statement reacquires the GIL, for which it competes with the event loop."""
LONG_LOG_PAGES = 16_384
ERASE_WAIT_MS = 50
"""Timeout for readers when the log is emptied, during which acknowledgements are delayed."""


@dataclass(slots=True)
class _Draft:
    """The state of a session within an uncommitted transaction."""

    key: int
    audio_end: int = 0
    sealed: bool = False
    last_sequence: int = 0
    dropped: bool = False
    audio: list[bytes] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    markers: list[BreakMarker] = field(default_factory=list)
    announced: int = 0

    @classmethod
    def of(cls, key: int, extent: Extent) -> "_Draft":
        """Return a draft with the state after the last commit."""
        return cls(key, extent.audio_end, extent.sealed, extent.last_sequence)

    @property
    def extent(self) -> Extent:
        """The length of the session, including the changes of this transaction."""
        return Extent(self.audio_end, self.sealed, self.last_sequence)


class Transaction:
    """One group of changes; later changes see the effects of earlier ones.

    A refused change raises a ``JournalError`` before it modifies anything, so the rest of the
    group is unaffected.

    Attributes:
        drafts: the sessions that the group changes, by id.
        deletes: whether the group deletes data that must not remain in the log.
    """

    def __init__(
        self, connection: sqlite3.Connection, known: Mapping[str, tuple[int, Extent]]
    ) -> None:
        self._connection = connection
        self._known = known
        self.drafts: dict[str, _Draft] = {}
        self.deletes = False

    def create(self, session: NewSession, announcements: Sequence[bytes]) -> None:
        """Add a session."""
        if session.id in self.drafts:
            raise JournalError(f"session {session.id} is in use")
        cursor = self._connection.execute(
            "INSERT INTO session (id, token_hash, request, created_at, owner)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (session.id, session.token_hash, session.request, session.created_at, session.owner),
        )
        if not cursor.rowcount:
            raise JournalError(f"session {session.id} or its token exists already")
        assert cursor.lastrowid is not None  # noqa: S101 -- an insert that counted has a row id
        draft = self.drafts[session.id] = _Draft(cursor.lastrowid)
        self._announce(draft, announcements)

    def append_audio(
        self, session_id: str, audio: bytes, announce: Announce | None
    ) -> tuple[int, int]:
        """Append audio."""
        draft = self._draft(session_id)
        if draft.sealed:
            raise SealedError(session_id)
        start, end = draft.audio_end, draft.audio_end + len(audio)
        try:
            announced = announce(start, end) if announce is not None else ()
        except Exception as error:
            # The callback is the session's code: its errors must not fail the rest of the group.
            raise JournalError(f"session {session_id}: what to announce is not known") from error
        draft.audio_end = end
        if audio:
            draft.audio.append(audio)
        self._announce(draft, announced)
        return start, end

    def mark_break(self, session_id: str, channel: int | None) -> BreakMarker:
        """Mark a break at the end of the audio, unless the last marker is the same."""
        draft = self._draft(session_id)
        if draft.sealed:
            raise SealedError(session_id)
        last = queries.last_marker(self._connection, draft.key)
        marker = BreakMarker(last.number + 1 if last else 1, draft.audio_end, channel)
        if last and (last.position, last.channel) == (marker.position, marker.channel):
            return last
        self._connection.execute(
            "INSERT INTO break_marker (session, number, position, channel) VALUES (?, ?, ?, ?)",
            (draft.key, marker.number, marker.position, marker.channel),
        )
        draft.markers.append(marker)
        return marker

    def seal(self, session_id: str) -> int:
        """End the audio."""
        draft = self._draft(session_id)
        if not draft.sealed:
            self._connection.execute("UPDATE session SET sealed = 1 WHERE key = ?", (draft.key,))
            draft.sealed = True
        return draft.audio_end

    def commit(
        self,
        session_id: str,
        messages: Sequence[bytes],
        checkpoint: bytes | None,
        announcements: Sequence[bytes],
    ) -> int:
        """Add messages and replace the checkpoint."""
        draft = self._draft(session_id)
        first = draft.last_sequence + 1
        entries = [Entry(first + index, message) for index, message in enumerate(messages)]
        self._connection.executemany(
            "INSERT INTO message (session, sequence, data) VALUES (?, ?, ?)",
            [(draft.key, entry.sequence, entry.message) for entry in entries],
        )
        if checkpoint is not None:
            self._connection.execute(
                "INSERT INTO checkpoint (session, data) VALUES (?, ?)"
                " ON CONFLICT (session) DO UPDATE SET data = excluded.data",
                (draft.key, checkpoint),
            )
        draft.entries += entries
        draft.last_sequence += len(entries)
        self._announce(draft, announcements)
        return draft.last_sequence

    def drop(self, session_id: str, announcements: Sequence[bytes]) -> None:
        """Drop a session; the sweeper frees its space."""
        try:
            draft = self._draft(session_id)
        except UnknownSessionError:
            return
        self._connection.execute(
            "UPDATE session SET id = NULL, token_hash = NULL, request = x'' WHERE key = ?",
            (draft.key,),
        )
        self.deletes = draft.dropped = True
        draft.audio.clear()
        self._announce(draft, announcements)

    def forget_announcements(self, upto: int) -> None:
        """Remove outbox events up to and including a number."""
        self._connection.execute("DELETE FROM announcement WHERE number <= ?", (upto,))
        self.deletes = True

    def _announce(self, draft: _Draft, announcements: Sequence[bytes]) -> None:
        if announcements:
            rows = [(data,) for data in announcements]
            self._connection.executemany("INSERT INTO announcement (data) VALUES (?)", rows)
            draft.announced += len(rows)

    def flush(self) -> None:
        """Write the audio, with as few rows as possible for each session in this group."""
        values: list[object] = []
        for draft in self.drafts.values():
            audio = draft.audio[0] if len(draft.audio) == 1 else b"".join(draft.audio)
            start = draft.audio_end - len(audio)
            for offset in range(0, len(audio), ROW_BYTES):
                data = audio[offset : offset + ROW_BYTES]
                values += (draft.key, start + offset, zlib.crc32(data), data)
            draft.audio = [audio]
        for first in range(0, len(values), ROWS_AT_ONCE * COLUMNS):
            some = values[first : first + ROWS_AT_ONCE * COLUMNS]
            rows = ", ".join(["(?, ?, ?, ?)"] * (len(some) // COLUMNS))
            self._connection.execute(
                f"INSERT INTO audio (session, start, crc, data) VALUES {rows}",  # noqa: S608  placeholders
                some,
            )

    def changes(self) -> list[Change]:
        """Return the changes of this group; call ``flush`` first."""
        return [
            Change(
                session_id,
                None if draft.dropped else draft.extent,
                draft.audio[0],
                tuple(draft.entries),
                draft.announced,
                tuple(draft.markers),
            )
            for session_id, draft in self.drafts.items()
        ]

    def _draft(self, session_id: str) -> _Draft:
        draft = self.drafts.get(session_id)
        if draft is None:
            found = self._known.get(session_id) or queries.locate(self._connection, session_id)
            if found is None:
                raise UnknownSessionError(session_id)
            draft = self.drafts[session_id] = _Draft.of(*found)
        if draft.dropped:
            raise UnknownSessionError(session_id)
        return draft


Action = Callable[[Transaction], Any]


class Store:
    """The write connection and its cache of session states.

    Attributes:
        traces: whether the write-ahead log may hold deleted data; True at first, since an
            earlier run may have left some.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.traces = True
        # Overwrite freed pages: checkpoints and requests contain client data.
        connection.execute("PRAGMA secure_delete=ON")
        self._known: dict[str, tuple[int, Extent]] = {}
        connection.execute("SELECT 1 FROM session").fetchone()  # creates the write-ahead log
        self._files = {file: file.stat().st_ino for file in (path, Path(f"{path}-wal"))}

    def write(self, actions: Sequence[Action]) -> tuple[list[Any], list[Change]]:
        """Run the actions in one synced transaction.

        Returns:
            The result of each action, or the ``JournalError`` that refused it; and the changes.

        Raises:
            sqlite3.Error: it is unknown whether anything was stored; call ``undo``.
            OSError: a file was removed or replaced.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        transaction = Transaction(self._connection, self._known)
        results = [_attempt(action, transaction) for action in actions]
        transaction.flush()
        self._connection.execute("COMMIT")
        self.traces |= transaction.deletes
        self._check_files()
        for session_id, draft in transaction.drafts.items():
            self._known[session_id] = draft.key, draft.extent
            if draft.dropped:
                del self._known[session_id]
        return results, transaction.changes()

    def undo(self) -> None:
        """Roll back an open transaction after a failure.

        Raises:
            sqlite3.Error: the effects of the failed transaction are unknown.
        """
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def probe(self) -> None:
        """Test whether ``PROBE_BYTES`` can be written."""
        self._connection.execute("INSERT INTO probe VALUES (zeroblob(?))", (PROBE_BYTES,))
        self._connection.execute("DELETE FROM probe")

    def merge(self) -> None:
        """Merge the write-ahead log into the main file.

        Waits for readers only when they have kept a long log from restarting.
        """
        _, pages, _ = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages > LONG_LOG_PAGES:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def erase_log(self) -> bool:
        """Merge the write-ahead log and empty its file; False if a reader prevents it."""
        [patience] = self._connection.execute("PRAGMA busy_timeout").fetchone()
        self._connection.execute(f"PRAGMA busy_timeout={ERASE_WAIT_MS}")
        try:
            busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._connection.execute(f"PRAGMA busy_timeout={patience}")
        self.traces = bool(busy)
        return not busy

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _check_files(self) -> None:
        """Raise if a file was replaced: SQLite would keep writing to the deleted one."""
        for file, inode in self._files.items():
            if file.stat().st_ino != inode:
                raise FileNotFoundError(f"{file} was replaced")


def _attempt(action: Action, transaction: Transaction) -> Any:
    try:
        return action(transaction)
    except JournalError as refusal:
        return refusal
