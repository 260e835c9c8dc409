"""Takes announcements over from the journal, block by block, into the queues."""

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
    """Moves announcements, each exactly once: how far it got is stored with what it took.

    Args:
        taken: told when something has come into the queues.
        wall: Unix time.
        supervisor: receives the announcements that cannot be read.
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
        """Move until cancelled, or until the journal has ended."""
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
                aside = await self._ledger.run(lambda db: intake.take(db, block, now))  # noqa: B023  done before the next block
                for each in aside:
                    self._supervisor.unreadable("announcement", each.error, number=each.number)
                self._taken()
                await self._journal.forget_announcements(block[-1].number)

    async def _begin(self) -> int:
        """Where to go on; a journal that was made anew counts from the beginning."""
        mark = await self._ledger.run(intake.mark)
        if await self._journal.last_announcement() >= mark:
            return mark
        await self._ledger.run(lambda db: intake.set_mark(db, 0))
        return 0
