"""Everything that delivers, opened and closed with the server."""

import asyncio

from vivavoce.delivery import letters, queues
from vivavoce.delivery.dispatcher import Dispatcher, Means, Tally
from vivavoce.delivery.ledger import Ledger
from vivavoce.delivery.relay import Relay
from vivavoce.journal.port import Journal


class Deliveries:
    """The relay and the dispatcher over one ledger.

    Attributes:
        ledger: the database of deliveries.
    """

    def __init__(self, journal: Journal, ledger: Ledger, means: Means) -> None:
        self.ledger = ledger
        self._dispatcher = Dispatcher(ledger, means)
        self._relay = Relay(journal, ledger, self._dispatcher.wake, means.wall)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Go on with what an earlier process has left."""
        self._tasks = [
            asyncio.create_task(self._relay.run(), name="deliveries relay"),
            asyncio.create_task(self._dispatcher.run(), name="deliveries dispatcher"),
        ]

    async def aclose(self) -> None:
        """Stop; what has not arrived goes on at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._dispatcher.aclose()

    @property
    def tally(self) -> Tally:
        """What came of the tries since the start."""
        return self._dispatcher.tally

    @property
    def under_way(self) -> int:
        """Queues that are sent from just now."""
        return self._dispatcher.under_way

    async def backlog(self) -> tuple[int, int, float | None]:
        """Messages that wait, dead letters, and the Unix time since when the oldest waits.

        Raises:
            LedgerError: the database does not answer.
        """
        return await self.ledger.run(letters.count_waiting)

    async def forget(self, session_id: str) -> None:
        """Remove what waits or was given up for a session: its owner has deleted it.

        Raises:
            LedgerError: the database does not answer.
        """
        await self.ledger.run(lambda db: queues.forget_session(db, session_id))
