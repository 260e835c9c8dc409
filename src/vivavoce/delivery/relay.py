"""The outbox relay: moves outbox events from the journal to the delivery queues in blocks."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import structlog

from vivavoce.delivery import intake
from vivavoce.delivery.ledger import Ledger, LedgerError
from vivavoce.journal.port import Journal, JournalError
from vivavoce.supervision import Supervisor

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0


class Relay:
    """Moves each outbox event exactly once: its position is stored in the same commit.

    Args:
        taken: called when messages were enqueued.
        wall: returns the Unix time.
        supervisor: receives unreadable outbox events.
    """

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        taken: Callable[[], None],
        wall: Callable[[], float],
        supervisor: Supervisor | None = None,
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._taken = taken
        self._wall = wall
        self._supervisor = supervisor or Supervisor()

    async def run(self) -> None:
        """Move outbox events until cancelled, retrying after errors."""
        while True:
            try:
                await self._run()
            except LedgerError as error:
                log.warning("deliveries_unavailable", error=str(error))
            except JournalError as error:
                log.warning("outbox_unavailable", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _run(self) -> None:
        after = await self._begin()
        async with aclosing(self._journal.tail_announcements(after)) as blocks:
            async for block in blocks:
                now = self._wall()
                aside = await self._ledger.run(lambda db: intake.take(db, block, now))  # noqa: B023  run before the next block
                for each in aside:
                    self._supervisor.unreadable("announcement", each.error, number=each.number)
                self._taken()
                await self._journal.forget_announcements(block[-1].number)

    async def _begin(self) -> int:
        """Return the event number to continue after; 0 for a journal that was recreated."""
        mark = await self._ledger.run(intake.mark)
        if await self._journal.last_announcement() >= mark:
            return mark
        await self._ledger.run(lambda db: intake.set_mark(db, 0))
        return 0
