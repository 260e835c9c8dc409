"""The embedded journal: one SQLite file owned by one process.

Reads run in reader threads, writes in the writer's thread (see ``writer``), and live tails are
fed from memory (see ``tails``). Leases are kept in memory, since the folder lock excludes every
other process.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self, cast

import msgspec

from vivavoce.journal import queries
from vivavoce.journal.changes import Change, Extent
from vivavoce.journal.commits import Commits
from vivavoce.journal.leases import Leases
from vivavoce.journal.lock import FolderLock
from vivavoce.journal.outlet import Outlet
from vivavoce.journal.port import (
    Announce,
    Announced,
    BreakMarker,
    Entry,
    JournalError,
    LiveSession,
    NewSession,
    UnavailableError,
    UnknownSessionError,
    Worth,
    always,
)
from vivavoce.journal.readers import Readers
from vivavoce.journal.schema import Connect, connector, prepare
from vivavoce.journal.store import Action
from vivavoce.journal.tails import Tails
from vivavoce.journal.writer import Kind
from vivavoce.supervision import Supervisor


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Trade-offs between latency and work in the journal.

    Attributes:
        gather: seconds that a commit waits for further work.
        waiting_bytes: bytes that the writer may hold; further appends wait in a queue.
        probe_interval: seconds between probes while the disk is full or the file locked.
        busy_seconds: timeout for another process's lock on the file.
    """

    gather: float = 0.005
    waiting_bytes: int = 64 * 1024 * 1024
    probe_interval: float = 1.0
    busy_seconds: float = 5.0


class SqliteJournal:
    """The journal port on SQLite. Created by ``open``; bound to the event loop that opened it."""

    def __init__(  # noqa: PLR0913  called by ``open`` only
        self,
        path: Path,
        lock: FolderLock,
        connect: Connect,
        clock: Callable[[], float],
        tuning: Tuning,
        *,
        on_broken: Callable[[JournalError], None],
        on_commit: Callable[[float], None],
        supervisor: Supervisor,
    ) -> None:
        self._on_broken = on_broken
        self._supervisor = supervisor
        on_failure = partial(supervisor.failed, "journal")
        self._lock = lock
        self._readers = Readers(path, connect)
        self._leases = Leases(clock)
        self._tails = Tails(self, on_failure)
        self._outlet = Outlet(self._read_announcements)
        self._commits = Commits(
            path=path,
            connect=connect,
            gather=tuning.gather,
            limit=tuning.waiting_bytes,
            probe_interval=tuning.probe_interval,
            changed=self._publish,
            broken=self._break,
            took=on_commit,
            failed=on_failure,
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        tuning: Tuning | None = None,
        connect: Connect | None = None,
        on_broken: Callable[[JournalError], None] = lambda _: None,
        on_commit: Callable[[float], None] = lambda _: None,
        supervisor: Supervisor | None = None,
    ) -> Self:
        """Open the journal at ``path``, creating it and its folder if they are missing.

        Args:
            path: the file; its folder is locked for this process.
            clock: Unix time in seconds, for leases.
            tuning: delays and bounds.
            connect: opens connections to the file (a seam for fault tests).
            on_broken: called once if nothing more can be written until the file is reopened.
            on_commit: receives the duration of each commit in seconds.
            supervisor: receives errors of the journal's background work, which continues, and
                unreadable sessions.

        Raises:
            FolderInUseError: another process uses the folder.
            JournalError: the file is not a journal, is damaged, or is of a newer version.
            OSError: the folder or the file cannot be created.
        """
        tuning = tuning or Tuning()
        connect = connect or connector(tuning.busy_seconds)
        lock = await asyncio.to_thread(FolderLock, path.parent)
        try:
            await asyncio.to_thread(prepare, path, connect)
            return cls(
                path,
                lock,
                connect,
                clock,
                tuning,
                on_broken=on_broken,
                on_commit=on_commit,
                supervisor=supervisor or Supervisor(),
            )
        except BaseException:
            lock.release()
            raise

    @property
    def failure(self) -> UnavailableError | None:
        """The reason why new audio is currently refused (for readiness); None if it is accepted."""
        return self._commits.failure

    async def create(self, session: NewSession, announcements: Sequence[bytes] = ()) -> None:
        """Store a new session.

        Raises:
            JournalError: its id or token is in use.
            UnavailableError: the journal cannot write.
        """
        told = tuple(announcements)
        await self._write(lambda tx: tx.create(session, told), Kind.ADDITION, len(session.request))

    async def find(self, session_id: str) -> LiveSession | None:
        """Return the live session with this id, if the journal still holds it."""
        return await self._readers.run(lambda db: queries.find(db, session_id))

    async def find_by_token(self, token_hash: bytes) -> LiveSession | None:
        """Return the live session whose token has this hash."""
        return await self._readers.run(lambda db: queries.find_by_token(db, token_hash))

    async def live(self) -> Sequence[LiveSession]:
        """Return every readable session in the journal, oldest first."""
        return await self._readers.run(
            lambda db: queries.live(db, partial(self._supervisor.unreadable, "stored session"))
        )

    def append_audio(
        self, session_id: str, audio: bytes, announce: Announce | None = None
    ) -> Awaitable[tuple[int, int]]:
        """Append audio; resolves to its ``(start, end)`` positions once it is durable."""
        return self._commits.submit(
            lambda tx: tx.append_audio(session_id, audio, announce), Kind.ADDITION, len(audio)
        )

    def mark_break(self, session_id: str, channel: int | None = None) -> Awaitable[BreakMarker]:
        """Mark a break after all earlier appends; resolves to the durable marker."""
        return self._commits.submit(lambda tx: tx.mark_break(session_id, channel), Kind.ADDITION)

    def seal(self, session_id: str) -> Awaitable[int]:
        """End the audio after all earlier appends; resolves to its end."""
        return self._commits.submit(lambda tx: tx.seal(session_id), Kind.CHANGE)

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        """Return the stored bytes ``[start, end)``, clipped to the existing audio.

        Raises:
            UnknownSessionError: no such session.
            CorruptError: the stored bytes are damaged.
        """
        return await self._readers.run(lambda db: queries.read_audio(db, session_id, start, end))

    def tail_audio(
        self, session_id: str, start: int, worth: Worth = always, *, after_marker: int = 0
    ) -> AsyncGenerator[bytes | BreakMarker, None]:
        """Yield stored audio and markers from ``start``, then new ones, up to the sealed end."""
        return self._tails.audio(session_id, start, worth, after_marker=after_marker)

    async def commit(
        self,
        session_id: str,
        messages: Sequence[bytes],
        checkpoint: bytes | None = None,
        announcements: Sequence[bytes] = (),
    ) -> int:
        """Add messages and replace the checkpoint atomically; returns the last sequence number."""
        stored, told = tuple(messages), tuple(announcements)
        size = sum(map(len, (*stored, *told))) + len(checkpoint or b"")
        return cast(
            "int",
            await self._write(
                lambda tx: tx.commit(session_id, stored, checkpoint, told), size=size
            ),
        )

    async def checkpoint(self, session_id: str) -> bytes | None:
        """Return the latest checkpoint."""
        return await self._readers.run(lambda db: queries.checkpoint(db, session_id))

    async def read_messages(self, session_id: str, after: int) -> Sequence[Entry]:
        """Return the messages with sequence numbers above ``after``."""
        return await self._readers.run(lambda db: queries.read_entries(db, session_id, after))

    def tail_messages(self, session_id: str, after: int) -> AsyncGenerator[Entry, None]:
        """Yield messages above ``after``, then new ones; ends when the session is dropped."""
        return self._tails.messages(session_id, after)

    async def claim(self, session_id: str, holder: str, seconds: float) -> bool:
        """Acquire or renew the lease on a session; False if another holder has it."""
        if await self.extent(session_id) is None:
            raise UnknownSessionError(session_id)
        return self._leases.claim(session_id, holder, seconds)

    async def release(self, session_id: str, holder: str) -> None:
        """Release the lease if this holder has it."""
        self._leases.release(session_id, holder)

    async def drop(self, session_id: str, announcements: Sequence[bytes] = ()) -> None:
        """Remove the session; its space is freed in small steps."""
        told = tuple(announcements)
        await self._write(lambda tx: tx.drop(session_id, told))

    def tail_announcements(self, after: int) -> AsyncGenerator[Sequence[Announced], None]:
        """Yield blocks of outbox events above ``after``, then new ones. One reader at a time."""
        return self._outlet.tail(after)

    async def last_announcement(self) -> int:
        """Return the highest outbox event number assigned so far, 0 for none."""
        return await self._readers.run(queries.last_announcement)

    async def forget_announcements(self, upto: int) -> None:
        """Remove outbox events up to and including a number."""
        await self._write(lambda tx: tx.forget_announcements(upto))

    async def close(self) -> None:
        """Write pending work, end the threads, unlock the folder. Idempotent."""
        await self._commits.close()
        self._fail(UnavailableError("the journal is closed"))
        await self._readers.close()
        self._lock.release()

    async def extent(self, session_id: str) -> Extent | None:
        """Return the length of a session (for tails)."""
        return await self._readers.run(lambda db: queries.extent(db, session_id))

    async def read_entries(self, session_id: str, after: int, limit: int) -> Sequence[Entry]:
        """Return a block of messages (for tails)."""
        return await self._readers.run(
            lambda db: queries.read_entries(db, session_id, after, limit)
        )

    async def read_markers(self, session_id: str, after: int) -> Sequence[BreakMarker]:
        """Return the break markers above a number (for tails)."""
        return await self._readers.run(lambda db: queries.read_markers(db, session_id, after))

    async def _read_announcements(
        self, after: int, most: int, most_bytes: int
    ) -> Sequence[Announced]:
        return await self._readers.run(
            lambda db: queries.read_announcements(db, after, most, most_bytes)
        )

    async def _write(self, action: Action, kind: Kind = Kind.CHANGE, size: int = 0) -> object:
        return await self._commits.submit(action, kind, size)

    def _break(self, failure: JournalError) -> None:
        self._fail(failure)
        self._on_broken(failure)

    def _fail(self, failure: JournalError) -> None:
        self._tails.fail(failure)
        self._outlet.fail(failure)

    def _publish(self, changes: Sequence[Change]) -> None:
        self._tails.publish(changes)
        self._outlet.publish(changes)
        for change in changes:
            if change.extent is None:
                self._leases.forget(change.session_id)
