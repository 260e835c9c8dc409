"""Every live session of this process: made, found, run to their end, and recovered at a start."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from vivavoce.archive.port import ArchiveError, NewRecord, Records, Status
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.journal.port import Journal, NewSession
from vivavoce.journal.port import LiveSession as StoredSession
from vivavoce.protocol.request import InitRequest
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.finishing import Ending, Finisher
from vivavoce.session.live import Limits, Live
from vivavoce.session.ports import Clock
from vivavoce.session.runner import Runner

log = structlog.get_logger(__name__)

HOUSEKEEPING_SECONDS = 1.0
CRASHES_ALLOWED = 3


Begin = Callable[[Live, Checkpoint | None], Runner]
"""Makes the runner of a session: new, or going on from a checkpoint."""


class TooManySessionsError(Exception):
    """The key has as many live sessions as it may have."""


def audio_format(request: InitRequest) -> AudioFormat:
    """The format that a request declares."""
    return AudioFormat(
        Encoding(request.encoding), request.bit_depth, request.sample_rate, request.channels
    )


class Sessions:
    """The live sessions; each runs in a task of its own."""

    def __init__(
        self,
        *,
        journal: Journal,
        records: Records,
        finisher: Finisher,
        begin: Begin,
        limits: Limits,
        wall: Clock,
        monotonic: Clock,
    ) -> None:
        self._journal = journal
        self._records = records
        self._finisher = finisher
        self._begin = begin
        self._limits = limits
        self._wall = wall
        self._monotonic = monotonic
        self._live: dict[str, Live] = {}
        self._by_token: dict[bytes, Live] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._housekeeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Recover what the journal holds and begin to look after it."""
        for stored in await self._journal.live():
            await self._adopt(stored)
        self._housekeeper = asyncio.create_task(self._keep_house(), name="housekeeping")

    async def aclose(self) -> None:
        """Stop every run; what the journal holds goes on at the next start."""
        tasks = [*self._runs.values()]
        if self._housekeeper:
            tasks.append(self._housekeeper)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def create(self, session: NewSession, record: NewRecord) -> None:
        """Make a session durable and begin to run it.

        Raises:
            TooManySessionsError: the owner has as many as it may.
        """
        recording = [
            live for live in self._live.values() if live.owner == session.owner and not live.stopped
        ]
        if len(recording) >= self._limits.sessions:
            raise TooManySessionsError(
                f"this key has {len(recording)} live sessions, the most it may have"
            )
        await self._journal.create(session)
        await self._records.add(record)
        await self._adopt(StoredSession(session, audio_end=0, sealed=False))

    def find(self, token_hash: bytes) -> Live | None:
        """The live session of a token; none once its client has been sent everything."""
        live = self._by_token.get(token_hash)
        return None if live is None or live.finished.is_set() else live

    def discard(self, session_id: str) -> None:
        """Nobody will read the messages of this finished session: it was deleted."""
        if live := self._live.get(session_id):
            live.finished.set()

    async def _adopt(self, stored: StoredSession) -> None:
        request = msgspec.json.decode(stored.session.request, type=InitRequest)
        live = Live(
            stored,
            request,
            audio_format(request),
            journal=self._journal,
            limits=self._limits,
            monotonic=self._monotonic,
        )
        await live.restore()
        self._live[live.id] = live
        self._by_token[stored.session.token_hash] = live
        task = asyncio.create_task(self._run_to_end(live), name=f"session {live.id}")
        self._runs[live.id] = task
        task.add_done_callback(lambda _: self._forget(live, stored.session.token_hash))

    def _forget(self, live: Live, token_hash: bytes) -> None:
        self._live.pop(live.id, None)
        self._by_token.pop(token_hash, None)
        self._runs.pop(live.id, None)

    async def _run_to_end(self, live: Live) -> None:
        """Run a session; a fault in it is tried again from its checkpoint, a few times."""
        for attempt in range(1, CRASHES_ALLOWED + 1):
            try:
                await self._run(live)
            except Exception:
                log.exception("session_crashed", session=live.id, attempt=attempt)
            else:
                return
        await self._records.fail(live.id, 500, self._wall())
        await self._journal.drop(live.id)

    async def _run(self, live: Live) -> None:
        saved = await self._journal.checkpoint(live.id)
        checkpoint = checkpoints.decode(saved) if saved else None
        if checkpoint is None or checkpoint.stage == "live":
            checkpoint = await self._transcribe(live, checkpoint)
        await self._finish(live, checkpoint)

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

    async def _finish(self, live: Live, checkpoint: Checkpoint) -> None:
        stored = await self._journal.find(live.id)
        if stored is None:
            return
        ending = Ending(live.id, live.request, live.format, stored.audio_end, checkpoint)
        await self._finisher.finish(ending)
        await self._wait_for_reader(live)
        await self._journal.drop(live.id)

    async def _wait_for_reader(self, live: Live) -> None:
        """Give a client that is connected, or may come back, its last messages."""
        while not live.finished.is_set() and not live.forsaken:
            try:
                async with asyncio.timeout(HOUSEKEEPING_SECONDS):
                    await live.finished.wait()
            except TimeoutError:
                continue

    async def _keep_house(self) -> None:
        """End the sessions whose clients are gone."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            for live in list(self._live.values()):
                if live.abandoned:
                    await self._give_up(live)

    async def _give_up(self, live: Live) -> None:
        """End a recording whose client is gone; a session never connected to has failed."""
        log.info("session_abandoned", session=live.id, connected=live.ever_connected)
        if live.ever_connected:
            await live.stop()
            return
        self._runs[live.id].cancel()
        await self._records.fail(live.id, 408, self._wall())
        await self._journal.drop(live.id)
