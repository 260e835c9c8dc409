"""Registry of the live sessions of this process: creation, look-up, supervision and recovery."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog

from vivavoce.archive import port as archive
from vivavoce.archive.port import ArchiveError, NewRecord, Records
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.journal import port as journal_port
from vivavoce.journal.port import Journal, NewSession
from vivavoce.journal.port import LiveSession as StoredSession
from vivavoce.protocol.messages import EndSession, StartSession
from vivavoce.protocol.request import InitRequest
from vivavoce.protocol.timestamps import iso
from vivavoce.session.connections import Resumes
from vivavoce.session.ended import EndedSessions
from vivavoce.session.failure import NO_ENGINE, Failure, kind_of
from vivavoce.session.life import Life
from vivavoce.session.live import Limits, Live
from vivavoce.session.ports import Clock
from vivavoce.supervision import Supervisor, described, stop

log = structlog.get_logger(__name__)

HOUSEKEEPING_SECONDS = 1.0
NEW_SECONDS = 60.0
"""Seconds of audio after which a session is no longer a newcomer."""


_UNAVAILABLE = (journal_port.UnavailableError, archive.UnavailableError)

FailingEngine = Callable[[InitRequest], str | None]
"""Returns an engine that a request needs and that cannot start now; None if all can."""


class TooManySessionsError(Exception):
    """The key has reached its limit of sessions; the text is shown to its owner."""


class Sessions:
    """The live sessions; each runs in its own task.

    Args:
        journal, records, life, limits: where sessions are stored, and how they run.
        monotonic: monotonic clock in seconds.
        supervisor: runs the background tasks.
        failing_engine: returns an engine that a request needs and that cannot start.

    Attributes:
        resumes: counters of resumed connections, over all sessions.
        ended: sessions that ended recently before their clients had received everything.
    """

    def __init__(
        self,
        journal: Journal,
        records: Records,
        life: Life,
        limits: Limits,
        monotonic: Clock,
        *,
        supervisor: Supervisor | None = None,
        failing_engine: FailingEngine = lambda _: None,
    ) -> None:
        self._journal = journal
        self._records = records
        self._life = life
        self._limits = limits
        self._monotonic = monotonic
        self._supervisor = supervisor or Supervisor()
        self._failing_engine = failing_engine
        self._stuck: dict[str, float] = {}  # sessions waiting for an engine, and since when
        self._kept: set[str] = set()  # failed sessions that stay in the journal for repair
        self._deleted: set[str] = set()  # kept sessions that their owners have deleted
        self.resumes = Resumes()
        self.ended = EndedSessions()
        self._live: dict[str, Live] = {}
        self._new: list[Live] = []
        self._by_token: dict[bytes, Live] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._being_made: Counter[str] = Counter()
        self._opening: set[str] = set()
        self._beginning = asyncio.Lock()
        self._chores: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load the sessions of the journal and start their recovery and supervision.

        All sessions are registered immediately. They are recovered one after another, or earlier
        when their clients connect: a large number of them does not delay the start of the server.
        """
        recovered = [
            self._know(live)
            for stored in await self._journal.live()
            if (live := self._make_or_fail(stored))
        ]
        self._chores = [
            self._supervisor.supervised("session recovery", lambda: self._recover(recovered)),
            self._supervisor.supervised("session housekeeping", self._keep_house),
        ]

    async def aclose(self) -> None:
        """Stop every session; the sessions in the journal continue at the next start."""
        lives = list(self._live.values())
        await stop(*self._runs.values(), *self._chores)
        suspended = (self._life.suspend(live) for live in lives)
        outcomes = await asyncio.gather(*suspended, return_exceptions=True)
        for live, failure in zip(lives, outcomes, strict=True):
            if failure:
                self._supervisor.failed("session suspension", failure, session=live.id)

    async def create(self, session: NewSession, record: NewRecord) -> None:
        """Store a session durably and start it.

        Raises:
            TooManySessionsError: the owner has reached the limit.
            UnavailableError: the session cannot be stored.
        """
        with self._place(session.owner):
            live = self._make(StoredSession(session, audio_end=0, sealed=False))
            began, ended = _beginning_and_end(session)
            await self._journal.create(session, live.announcements(began))
            try:
                await self._records.add(record)
            except ArchiveError:
                # The client receives an error and must not find a session.
                await self._journal.drop(session.id, live.announcements(ended))
                raise
            self._run(self._know(live))

    @property
    def known(self) -> int:
        """Number of registered sessions; kept ones that failed are not included."""
        return len(self._live)

    def newcomers(self) -> Sequence[Live]:
        """Return the open sessions with less than ``NEW_SECONDS`` of audio in this process."""
        self._new = [
            live for live in self._new if not live.stopped and live.heard_seconds < NEW_SECONDS
        ]
        return [live for live in self._new if self._is_open(live)]

    @property
    def recording(self) -> int:
        """Number of open sessions: connected, or waiting for their client to reconnect."""
        return sum(self._is_open(live) for live in self._live.values())

    @property
    def unopened(self) -> int:
        """Number of sessions that no client has connected to."""
        return sum(self._is_unopened(live) for live in self._live.values())

    @contextmanager
    def opening(self, live: Live) -> Iterator[None]:
        """Count a session as one of the owner's open sessions while a client connects.

        Raises:
            TooManySessionsError: the session is not open, and the owner has reached the limit.
        """
        if not self._is_open(live):
            self._check_open(live.owner)
        self._opening.add(live.id)
        try:
            yield
        finally:
            self._opening.discard(live.id)

    @contextmanager
    def _place(self, owner: str) -> Iterator[None]:
        """Reserve a place among the owner's unopened sessions while one is being created."""
        self._check_open(owner)
        mine = (live for live in self._live.values() if live.owner == owner)
        most = self._limits.unopened
        if sum(map(self._is_unopened, mine)) + self._being_made[owner] >= most:
            raise TooManySessionsError(
                "Maximum number of sessions without a connection reached. Your key allows only "
                f"up to {most} of them. Connect to some of them, or delete some."
            )
        self._being_made[owner] += 1
        try:
            yield
        finally:
            self._being_made[owner] -= 1

    def _check_open(self, owner: str) -> None:
        most = self._limits.sessions
        if sum(live.owner == owner and self._is_open(live) for live in self._live.values()) >= most:
            raise TooManySessionsError(
                "Maximum number of concurrent sessions reached. Your key allows only up to "
                f"{most} sessions at a time. Wait for one to end."
            )

    def _is_open(self, live: Live) -> bool:
        return not live.stopped and (live.ever_connected or live.id in self._opening)

    def _is_unopened(self, live: Live) -> bool:
        return not live.stopped and not self._is_open(live)

    async def find(self, token_hash: bytes) -> Live | None:
        """Return a token's live session; None if it failed or its client has received everything.

        Raises:
            UnavailableError: the session must be recovered, and the journal cannot be read now.
        """
        if live := self._by_token.get(token_hash):
            await self._begin(live)
        live = self._by_token.get(token_hash)
        over = live is None or live.finished.is_set() or live.lost.is_set()
        return None if over else live

    async def withdraw(self, session_id: str) -> bool:
        """End a session that its owner deletes; return False if a client has connected to it.

        Raises:
            ArchiveError, JournalError: the session cannot be ended now, and continues.
        """
        live = self._live.get(session_id)
        if live is None or not self._is_unopened(live):
            return False
        await self._begin(live)
        if session_id not in self._live or not self._is_unopened(live):
            return False  # a client has connected meanwhile
        await self._abandon(live)
        return True

    def discard(self, session_id: str) -> None:
        """Discard a finished session that its owner has deleted, without waiting for a reader."""
        self.ended.forget(session_id)
        if live := self._live.get(session_id):
            live.finished.set()
        if session_id in self._kept:
            self._deleted.add(session_id)

    def _make_or_fail(self, stored: StoredSession) -> Live | None:
        """Return a stored session; if its request is unreadable, fail it and keep it for repair."""
        try:
            return self._make(stored)
        except Exception as error:  # noqa: BLE001  one session must not prevent the start of the server
            self._supervisor.unreadable("request", error, session=stored.session.id)
        unknown = msgspec.json.encode(InitRequest())
        session = msgspec.structs.replace(stored.session, request=unknown)
        live = self._make(msgspec.structs.replace(stored, session=session))
        live.lost.set()
        self._run(self._know(live), Failure(keep=True, recording=False))
        return None

    def _make(self, stored: StoredSession) -> Live:
        request = msgspec.json.decode(stored.session.request, type=InitRequest)
        declared = audio_format(request)
        return Live(
            stored,
            request,
            declared,
            self._journal,
            self._limits,
            self._monotonic,
            resumes=self.resumes,
        )

    def _know(self, live: Live) -> Live:
        self._live[live.id] = live
        if live not in self._new:
            self._new.append(live)
        self._by_token[live.token_hash] = live
        return live

    async def _recover(self, lives: Iterable[Live]) -> None:
        """Resume the sessions of an earlier process, whether or not their clients reconnect."""
        failure = None
        for live in lives:
            try:
                await self._begin(live)
            except _UNAVAILABLE as error:
                failure = error
        if failure is not None:
            raise failure  # retried by the supervisor, for the sessions that could not be read

    async def _begin(self, live: Live) -> None:
        """Resume a recovered session, unless it runs or has ended.

        A session whose stored data cannot be read ends with a failure and is kept for repair.

        Raises:
            UnavailableError: the journal cannot be read now.
        """
        if live.id in self._runs:
            return
        async with self._beginning:
            if live.id in self._live and live.id not in self._runs:
                self._run(live, await self._recall(live))

    async def _recall(self, live: Live) -> Failure | None:
        try:
            await self._life.recall(live)
        except _UNAVAILABLE:
            raise
        except Exception as error:  # noqa: BLE001  one session must not block the others
            self._supervisor.unreadable(kind_of(error), error, session=live.id)
            live.lost.set()
            return Failure(keep=True)
        return None

    def _run(self, live: Live, failure: Failure | None = None) -> None:
        run = self._supervisor.watched(
            "session run", self._life.run(live, failure), session=live.id
        )
        self._runs[live.id] = run
        run.add_done_callback(lambda run: self._ended(live, run))

    def _ended(self, live: Live, run: asyncio.Task[None]) -> None:
        self._live.pop(live.id, None)
        self._by_token.pop(live.token_hash, None)
        self._runs.pop(live.id, None)
        self._stuck.pop(live.id, None)
        if run.cancelled():
            return
        if live.ever_connected and not live.finished.is_set():
            self.ended.add(live.id, live.token_hash)
        if run.exception():
            # It stays in the journal, and the next start retries.
            self._kept.add(live.id)
            live.lost.set()

    async def _keep_house(self) -> None:
        """End the sessions whose clients exceed a limit, or whose engine does not start."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            self.newcomers()  # discards former newcomers, even if no caller asks
            for live in list(self._live.values()):
                await self._try(live.id, self._look_after(live))
            for session_id in list(self._deleted):
                await self._try(session_id, self._forget_deleted(session_id))

    async def _try(self, session_id: str, chore: Coroutine[Any, Any, None]) -> None:
        """Run a task for one session; a failure affects no other, and the next round retries."""
        try:
            await chore
        except _UNAVAILABLE as error:
            log.warning("storage_unavailable", session=session_id, **described(error))
        except Exception as error:  # noqa: BLE001  reported; the other sessions follow
            self._supervisor.failed("session housekeeping", error, session=session_id)

    async def _forget_deleted(self, session_id: str) -> None:
        await self._journal.drop(session_id)
        self._deleted.discard(session_id)
        self._kept.discard(session_id)

    async def _look_after(self, live: Live) -> None:
        if live.lost.is_set():
            return
        if live.abandoned:
            log.info("session_abandoned", session=live.id, connected=live.ever_connected)
            await self._let_go(live)
        elif live.transcribing and live.stopped and (engine := self._failing_engine(live.request)):
            now = self._monotonic()
            if now - self._stuck.setdefault(live.id, now) >= self._limits.engine:
                await self._give_up(live, engine)
        else:
            self._stuck.pop(live.id, None)

    async def _give_up(self, live: Live, engine: str) -> None:
        """End a stopped session whose engine does not start: no client must wait indefinitely."""
        log.error("session_engine_failed", session=live.id, engine=engine)
        await stop(self._runs.get(live.id))
        self._run(self._know(live), Failure(NO_ENGINE))

    async def _let_go(self, live: Live) -> None:
        """End a recording whose client exceeds a limit; a session never connected to fails."""
        await self._begin(live)
        if live.lost.is_set():
            return
        if not live.abandoned:
            return  # the client has connected or sent audio meanwhile
        if live.ever_connected:
            await live.end_early("session_timeout", f"{live.lapse}: the recording ends")
        elif self._is_unopened(live):
            await self._abandon(live)

    async def _abandon(self, live: Live) -> None:
        """End a session that was never connected to; if that fails, the session continues."""
        run = self._runs[live.id]
        run.cancel()
        await asyncio.wait([run])  # no client can connect to it from here on
        try:
            await self._life.abandon(live)
        except Exception:
            self._run(self._know(live))
            raise


def _beginning_and_end(session: NewSession) -> tuple[StartSession, EndSession]:
    """Return the messages for a session's creation and for a creation that failed halfway."""
    at = iso(session.created_at)
    return (
        StartSession(session_id=session.id, created_at=at),
        EndSession(session_id=session.id, created_at=at),
    )


def audio_format(request: InitRequest) -> AudioFormat:
    """Return the audio format that a request declares."""
    return AudioFormat(
        Encoding(request.encoding), request.bit_depth, request.sample_rate, request.channels
    )
