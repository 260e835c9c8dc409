"""The embedded journal: one SQLite file that one process owns.

Reads run in threads of their own, writes in the writer's thread (see ``writer``), live tails are
fed from memory (see ``tails``). Leases live in memory: the folder's lock makes this process the
only one that could hold any.
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
    """How the journal trades delay for work.

    Attributes:
        gather: seconds a commit waits for company.
        waiting_bytes: bytes that may be with the writer; further appends wait their turn.
        probe_interval: seconds between probes while the disk is full or the file locked.
        busy_seconds: how long somebody else's lock on the file is waited for.
    """

    gather: float = 0.005
    waiting_bytes: int = 64 * 1024 * 1024
    probe_interval: float = 1.0
    busy_seconds: float = 5.0


class SqliteJournal:
    """The journal port on SQLite. Made by ``open``; belongs to the event loop that opened it."""

    def __init__(  # noqa: PLR0913  made by ``open`` alone
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
        """Open the journal at ``path``, making it and its folder where they are missing.

        Args:
            path: the file; its folder is locked for this process.
            clock: Unix time in seconds, for leases.
            tuning: delays and bounds.
            connect: opens connections to the file (a seam for fault tests).
            on_broken: told once if nothing more can be written until the file is opened anew.
            on_commit: told the seconds that each commit took.
            supervisor: receives faults of the journal's own work, which goes on, and sessions
                that cannot be read.

        Raises:
            FolderInUseError: another process works on the folder.
            JournalError: the file is not a journal, is damaged, or was made by a newer version.
            OSError: the folder or the file cannot be made.
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
        """Why new audio is refused just now (for readiness); None while all is well."""
        return self._commits.failure

    async def create(self, session: NewSession, announcements: Sequence[bytes] = ()) -> None:
        """Make a session durable.

        Raises:
            JournalError: its id or token is in use.
            UnavailableError: the journal cannot write.
        """
        told = tuple(announcements)
        await self._write(lambda tx: tx.create(session, told), Kind.ADDITION, len(session.request))

    async def find(self, session_id: str) -> LiveSession | None:
        """The live session with this id, if the journal still holds it."""
        return await self._readers.run(lambda db: queries.find(db, session_id))

    async def find_by_token(self, token_hash: bytes) -> LiveSession | None:
        """The live session whose token has this hash."""
        return await self._readers.run(lambda db: queries.find_by_token(db, token_hash))

    async def live(self) -> Sequence[LiveSession]:
        """Every session the journal holds and can read, oldest first."""
        return await self._readers.run(
            lambda db: queries.live(db, partial(self._supervisor.unreadable, "stored session"))
        )

    def append_audio(
        self, session_id: str, audio: bytes, announce: Announce | None = None
    ) -> Awaitable[tuple[int, int]]:
        """Add audio; the answer is its ``(start, end)`` positions once they are durable."""
        return self._commits.submit(
            lambda tx: tx.append_audio(session_id, audio, announce), Kind.ADDITION, len(audio)
        )

    def mark_break(self, session_id: str, channel: int | None = None) -> Awaitable[BreakMarker]:
        """Mark a break after every append already called; the answer is the durable marker."""
        return self._commits.submit(lambda tx: tx.mark_break(session_id, channel), Kind.ADDITION)

    def seal(self, session_id: str) -> Awaitable[int]:
        """End the audio after every append already called; the answer is its end."""
        return self._commits.submit(lambda tx: tx.seal(session_id), Kind.CHANGE)

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        """Stored bytes ``[start, end)``, clipped to what there is.

        Raises:
            UnknownSessionError: no such session.
            CorruptError: the stored bytes are damaged.
        """
        return await self._readers.run(lambda db: queries.read_audio(db, session_id, start, end))

    def tail_audio(
        self, session_id: str, start: int, worth: Worth = always, *, after_marker: int = 0
    ) -> AsyncGenerator[bytes | BreakMarker, None]:
        """Stored audio and markers from ``start``, then what comes, up to the sealed end."""
        return self._tails.audio(session_id, start, worth, after_marker=after_marker)

    async def commit(
        self,
        session_id: str,
        messages: Sequence[bytes],
        checkpoint: bytes | None = None,
        announcements: Sequence[bytes] = (),
    ) -> int:
        """Add messages and replace the checkpoint in one step; returns the last sequence."""
        stored, told = tuple(messages), tuple(announcements)
        size = sum(map(len, (*stored, *told))) + len(checkpoint or b"")
        return cast(
            "int",
            await self._write(
                lambda tx: tx.commit(session_id, stored, checkpoint, told), size=size
            ),
        )

    async def checkpoint(self, session_id: str) -> bytes | None:
        """The newest checkpoint."""
        return await self._readers.run(lambda db: queries.checkpoint(db, session_id))

    async def read_messages(self, session_id: str, after: int) -> Sequence[Entry]:
        """Messages with sequence numbers above ``after``."""
        return await self._readers.run(lambda db: queries.read_entries(db, session_id, after))

    def tail_messages(self, session_id: str, after: int) -> AsyncGenerator[Entry, None]:
        """Messages above ``after``, then what comes; ends when the session is dropped."""
        return self._tails.messages(session_id, after)

    async def claim(self, session_id: str, holder: str, seconds: float) -> bool:
        """Take or renew the ownership of a session for a while; False if another holds it."""
        if await self.extent(session_id) is None:
            raise UnknownSessionError(session_id)
        return self._leases.claim(session_id, holder, seconds)

    async def release(self, session_id: str, holder: str) -> None:
        """Give the ownership back, if this holder has it."""
        self._leases.release(session_id, holder)

    async def drop(self, session_id: str, announcements: Sequence[bytes] = ()) -> None:
        """Forget the session; its space is freed little by little."""
        told = tuple(announcements)
        await self._write(lambda tx: tx.drop(session_id, told))

    def tail_announcements(self, after: int) -> AsyncGenerator[Sequence[Announced], None]:
        """Blocks of announcements above ``after``, then what comes. One reader at a time."""
        return self._outlet.tail(after)

    async def last_announcement(self) -> int:
        """The highest number given so far, 0 for none."""
        return await self._readers.run(queries.last_announcement)

    async def forget_announcements(self, upto: int) -> None:
        """Remove announcements up to a number, itself included."""
        await self._write(lambda tx: tx.forget_announcements(upto))

    async def close(self) -> None:
        """Write what was begun, end the threads, unlock the folder. Idempotent."""
        await self._commits.close()
        self._fail(UnavailableError("the journal is closed"))
        await self._readers.close()
        self._lock.release()

    async def extent(self, session_id: str) -> Extent | None:
        """How far a session goes (for tails)."""
        return await self._readers.run(lambda db: queries.extent(db, session_id))

    async def read_entries(self, session_id: str, after: int, limit: int) -> Sequence[Entry]:
        """A block of messages (for tails)."""
        return await self._readers.run(
            lambda db: queries.read_entries(db, session_id, after, limit)
        )

    async def read_markers(self, session_id: str, after: int) -> Sequence[BreakMarker]:
        """Break markers above a number (for tails)."""
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
