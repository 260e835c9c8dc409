"""Supervisor of one session, from the journal's last checkpoint to the archive."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from vivavoce.archive import port as archive
from vivavoce.archive.port import ArchiveError, Records, Status
from vivavoce.journal import port as journal
from vivavoce.journal.port import Journal
from vivavoce.protocol.messages import EndSession
from vivavoce.protocol.timestamps import iso
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.checkpoint import Checkpoint, CheckpointError
from vivavoce.session.failure import Failure, is_unreadable, kind_of
from vivavoce.session.finishing import Ending, Finisher
from vivavoce.session.live import Live
from vivavoce.session.ports import Clock
from vivavoce.session.runner import Runner
from vivavoce.supervision import Backoff, Supervisor, described, stop

log = structlog.get_logger(__name__)

CRASHES_ALLOWED = 3
"""Consecutive crashes, without a new checkpoint in between, after which a session fails."""

CRASH_RETRY_SECONDS = 0.5
"""Upper bound of the first pause after a crash; it doubles with each further crash."""

STORAGE_RETRY_SECONDS = 1.0
MOST_RETRY_SECONDS = 30.0
"""Longest pause between attempts: on a full disk each may write a recording needlessly."""

READER_CHECK_SECONDS = 1.0

_UNAVAILABLE = (journal.UnavailableError, archive.UnavailableError)

Begin = Callable[[Live, Checkpoint | None], Runner]
"""Creates the runner of a session, new or resumed from a checkpoint."""


class Life:
    """Runs sessions to their end and retries after faults."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        finisher: Finisher,
        begin: Begin,
        wall: Clock,
        *,
        supervisor: Supervisor | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._journal = journal
        self._records = records
        self._finisher = finisher
        self._begin = begin
        self._wall = wall
        self._supervisor = supervisor or Supervisor()
        self._backoff = backoff or Backoff(CRASH_RETRY_SECONDS, MOST_RETRY_SECONDS)

    async def run(self, live: Live, failure: Failure | None = None) -> None:
        """Run a session to its end; after a fault, retry from the checkpoint.

        The session fails after ``CRASHES_ALLOWED`` crashes; each newly committed checkpoint resets
        the count. A failed session, or one run with ``failure`` given, ends with the emitted
        finals as its partial result.

        Raises:
            ExceptionGroup: its stored data cannot be read; the journal keeps it for repair.
        """
        crashes, checkpoint = 0, None
        delay = STORAGE_RETRY_SECONDS
        while (errors := await self._attempt(live, failure)) is not None:
            if errors.split(_UNAVAILABLE)[1] is None:
                # Storage is temporarily unavailable; stored data is safe, and the session waits.
                reason = described(errors.exceptions[0])["error"]
                log.warning("storage_unavailable", session=live.id, error=reason)
                await asyncio.sleep(delay)
                delay = min(2 * delay, MOST_RETRY_SECONDS)
                continue
            if failure is not None:
                raise errors
            before, checkpoint = checkpoint, await self._raw_checkpoint(live)
            crashes = 1 if checkpoint != before else crashes + 1
            failure = _unreadable(errors)
            if failure is None and crashes >= CRASHES_ALLOWED:
                failure = Failure()
            self._supervisor.failed("session run", errors, session=live.id, crashes=crashes)
            if failure is None:
                await asyncio.sleep(self._backoff.pause(crashes))

    async def _attempt(self, live: Live, failure: Failure | None) -> ExceptionGroup | None:
        """Run a session to its end, or end it with a failure; return the errors if that fails."""
        try:
            await (self._run(live) if failure is None else self._fail(live, failure))
        except ExceptionGroup as errors:
            return errors
        except Exception as error:  # noqa: BLE001  a fault must affect only this session
            return ExceptionGroup("a session failed", [error])
        return None

    async def recall(self, live: Live) -> None:
        """Restore, before the client of a recovered session connects, what it has received."""
        await live.restore()
        if checkpoint := await self._checkpoint(live):
            live.telling.arrived(checkpoint.delivered)

    async def _run(self, live: Live) -> None:
        checkpoint = await self._checkpoint(live)
        if checkpoint is None or checkpoint.stage == "live":
            checkpoint = await self._transcribe(live, checkpoint)
        await self._finisher.finish(await self._ending(live, checkpoint))
        await self._wait_for_reader(live)
        await self._journal.drop(live.id)

    async def _raw_checkpoint(self, live: Live) -> bytes | None:
        """Return the stored checkpoint in its encoded form, or None if it cannot be read."""
        try:
            return await self._journal.checkpoint(live.id)
        except journal.JournalError:
            return None

    async def _checkpoint(self, live: Live) -> Checkpoint | None:
        saved = await self._journal.checkpoint(live.id)
        return checkpoints.decode(saved) if saved else None

    async def _transcribe(self, live: Live, checkpoint: Checkpoint | None) -> Checkpoint:
        """Run a session until its last final is emitted."""
        runner = self._begin(live, checkpoint)
        live.settled_seconds = lambda: runner.settled_seconds
        live.nothing_open = runner.nothing_open
        noting = self._supervisor.watched("session status", self._note_start(live), session=live.id)
        live.transcribing = True
        try:
            await runner.run()
        finally:
            live.transcribing = False
            await stop(noting)
        return runner.checkpoint()

    async def _note_start(self, live: Live) -> None:
        """Set the session's status to processing when its first audio is stored."""
        await live.recording.wait()
        try:
            await self._records.set_status(live.id, Status.PROCESSING)
        except ArchiveError as error:
            # Affects only lists of sessions; the end of the session corrects it.
            log.warning("status_update_failed", session=live.id, **described(error))

    async def _ending(self, live: Live, checkpoint: Checkpoint | None) -> Ending:
        stored = await self._journal.find(live.id)
        if stored is None:
            raise journal.UnknownSessionError(f"session {live.id} has left the journal")
        return Ending(live.id, live.request, live.herald, live.format, stored.audio_end, checkpoint)

    async def _wait_for_reader(self, live: Live) -> None:
        """Wait until the client has received the last messages, or can no longer reconnect."""
        while not live.finished.is_set() and not live.forsaken:
            try:
                async with asyncio.timeout(READER_CHECK_SECONDS):
                    await live.finished.wait()
            except TimeoutError:
                continue

    async def _fail(self, live: Live, failure: Failure) -> None:
        """End a session with a failure; archive what can be read and announce the end.

        Raises:
            ExceptionGroup: not all of it can be read, or it is kept for repair; it stays in the
                journal.
        """
        await live.end()
        checkpoint = await self._readable_checkpoint(live)
        ending = await self._ending(live, checkpoint)
        rescued = await self._finisher.rescue(ending, recording=failure.recording)
        if rescued.faults or failure.keep:
            if not await self._announce_failure(live):
                return
            await self._finisher.note_failure(ending, failure.code, rescued)
            live.lost.set()
            for error in rescued.faults:
                self._supervisor.unreadable(kind_of(error), error, session=live.id)
            faults = rescued.faults or (CheckpointError("kept for repair"),)
            raise ExceptionGroup("a session is kept for repair", faults)
        await self._finisher.note_failure(ending, failure.code, rescued)
        await self._drop_failed(live)
        live.lost.set()

    async def _readable_checkpoint(self, live: Live) -> Checkpoint | None:
        with suppress(CheckpointError):  # reported where the session failed to resume
            return await self._checkpoint(live)
        return None

    async def _announce_failure(self, live: Live) -> bool:
        """Announce the end of a session that stays in the journal, at its first failure only.

        The announcement precedes the update of the record, so a crash in between announces twice
        rather than never. If the owner has deleted the session, drop it from the journal instead
        and return False.
        """
        try:
            record = await self._records.get(live.id, live.owner)
        except archive.NotFoundError:
            await self._journal.drop(live.id)
            return False
        if record.status not in archive.FINISHED:
            await live.announce(live.announcements(self._end_session(live)))
        return True

    def _end_session(self, live: Live) -> EndSession:
        return EndSession(session_id=live.id, created_at=iso(self._wall()))

    async def suspend(self, live: Live) -> None:
        """Store, after the run, which messages the client has received, for the next process."""
        checkpoint = await self._checkpoint(live)
        if checkpoint and checkpoint.delivered < live.delivered:
            state = msgspec.structs.replace(checkpoint, delivered=live.delivered)
            await self._journal.commit(live.id, [], checkpoints.encode(state))

    async def abandon(self, live: Live) -> None:
        """End a session that no client ever connected to."""
        # A session whose creation was interrupted has no record; it was never reported to a client.
        with suppress(archive.NotFoundError):
            await self._records.fail(live.id, 408, self._wall())
        await self._drop_failed(live)

    async def _drop_failed(self, live: Live) -> None:
        """Drop a session without a result from the journal and announce its end."""
        await self._journal.drop(live.id, live.announcements(self._end_session(live)))


def _unreadable(errors: ExceptionGroup) -> Failure | None:
    """Return the failure if only a repair can help; None if a retry may."""
    found = errors.subgroup(is_unreadable)
    return None if found is None else Failure(keep=True)
