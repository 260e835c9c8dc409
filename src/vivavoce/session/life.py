"""The life of one session, from the journal's last checkpoint to the archive."""

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
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.finishing import Ending, Finisher
from vivavoce.session.live import Live
from vivavoce.session.ports import Clock
from vivavoce.session.runner import Runner

log = structlog.get_logger(__name__)

CRASHES_ALLOWED = 3
STORAGE_RETRY_SECONDS = 1.0
MOST_RETRY_SECONDS = 30.0
"""Between attempts to end a session: on a full disk each may write a recording in vain."""

READER_CHECK_SECONDS = 1.0

Begin = Callable[[Live, Checkpoint | None], Runner]
"""Makes the runner of a session: new, or going on from a checkpoint."""


class Life:
    """Brings sessions to their end, whatever happens on the way."""

    def __init__(
        self, journal: Journal, records: Records, finisher: Finisher, begin: Begin, wall: Clock
    ) -> None:
        self._journal = journal
        self._records = records
        self._finisher = finisher
        self._begin = begin
        self._wall = wall

    async def run(self, live: Live) -> None:
        """Run a session to its end; a fault is tried again from the checkpoint, a few times.

        Raises:
            ExceptionGroup: it could not even be given up; the journal keeps it.
        """
        crashes = 0
        delay = STORAGE_RETRY_SECONDS
        ended = False
        while not ended:
            try:
                await (self._run(live) if crashes < CRASHES_ALLOWED else self._fail(live))
                ended = True
            except* (journal.UnavailableError, archive.UnavailableError) as errors:
                # Storage says no for now; what is stored is safe, and the session waits for it.
                log.warning("storage_unavailable", session=live.id, error=str(errors.exceptions[0]))
                await asyncio.sleep(delay)
                delay = min(2 * delay, MOST_RETRY_SECONDS)
            except* Exception:  # whatever failed, only this session may suffer from it
                crashes += 1
                log.exception("session_crashed", session=live.id, crashes=crashes)
                if crashes > CRASHES_ALLOWED:
                    raise

    async def recall(self, live: Live) -> None:
        """Before a recovered session's client comes: what an earlier process has told it."""
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

    async def _checkpoint(self, live: Live) -> Checkpoint | None:
        saved = await self._journal.checkpoint(live.id)
        return checkpoints.decode(saved) if saved else None

    async def _transcribe(self, live: Live, checkpoint: Checkpoint | None) -> Checkpoint:
        """Run a session until its last final is out."""
        runner = self._begin(live, checkpoint)
        live.settled_seconds = lambda: runner.settled_seconds
        noting = asyncio.create_task(self._note_start(live), name=f"note start {live.id}")
        try:
            await runner.run()
        finally:
            noting.cancel()
        return runner.checkpoint()

    async def _note_start(self, live: Live) -> None:
        """Show the session as at work from its first audio on."""
        await live.recording.wait()
        try:
            await self._records.set_status(live.id, Status.PROCESSING)
        except ArchiveError as error:
            # Only what a list shows meanwhile; the end of the session sets it right.
            log.warning("status_not_noted", session=live.id, error=str(error))

    async def _ending(self, live: Live, checkpoint: Checkpoint | None) -> Ending:
        stored = await self._journal.find(live.id)
        if stored is None:
            raise journal.UnknownSessionError(f"session {live.id} has left the journal")
        return Ending(live.id, live.request, live.herald, live.format, stored.audio_end, checkpoint)

    async def _wait_for_reader(self, live: Live) -> None:
        """Give a client that is connected, or may come back, its last messages."""
        while not live.finished.is_set() and not live.forsaken:
            try:
                async with asyncio.timeout(READER_CHECK_SECONDS):
                    await live.finished.wait()
            except TimeoutError:
                continue

    async def _fail(self, live: Live) -> None:
        """End a session that cannot be transcribed; its recording is kept."""
        await live.end()
        await self._finisher.salvage(await self._ending(live, None))
        await self._drop_failed(live)

    async def suspend(self, live: Live) -> None:
        """Note what the client has been sent, for the process that goes on; the run has ended."""
        checkpoint = await self._checkpoint(live)
        if checkpoint and checkpoint.delivered < live.delivered:
            state = msgspec.structs.replace(checkpoint, delivered=live.delivered)
            await self._journal.commit(live.id, [], checkpoints.encode(state))

    async def abandon(self, live: Live) -> None:
        """End a session that nobody ever connected to."""
        # One whose creation was cut short has no record: nobody was ever told of it.
        with suppress(archive.NotFoundError):
            await self._records.fail(live.id, 408, self._wall())
        await self._drop_failed(live)

    async def _drop_failed(self, live: Live) -> None:
        """Forget a session without a result; those told outside must not wait for its end."""
        last = EndSession(session_id=live.id, created_at=iso(self._wall()))
        await self._journal.drop(live.id, live.announcements(last))
