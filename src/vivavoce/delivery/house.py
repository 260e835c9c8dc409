"""The delivery service, started and stopped with the server."""

import math

import structlog

from vivavoce.delivery import letters, queues
from vivavoce.delivery.dispatcher import Dispatcher, Means, Tally
from vivavoce.delivery.ledger import Ledger, LedgerError
from vivavoce.delivery.letters import Outstanding
from vivavoce.delivery.relay import Relay
from vivavoce.journal.port import Journal
from vivavoce.supervision import Service, Supervisor, stop

log = structlog.get_logger(__name__)


class Deliveries:
    """The outbox relay and the dispatcher on one delivery store.

    Attributes:
        ledger: the delivery store.
    """

    def __init__(
        self, journal: Journal, ledger: Ledger, means: Means, supervisor: Supervisor | None = None
    ) -> None:
        self.ledger = ledger
        self._supervisor = supervisor or Supervisor()
        self._dispatcher = Dispatcher(ledger, means, supervisor=self._supervisor)
        self._relay = Relay(journal, ledger, self._dispatcher.wake, means.wall, self._supervisor)
        self._wall = means.wall
        self._outstanding = Outstanding()
        self._tasks: list[Service] = []

    def start(self) -> None:
        """Start, continuing with the messages left by an earlier process."""
        self._tasks = [
            self._supervisor.supervised("delivery relay", self._relay.run),
            self._supervisor.supervised("delivery dispatcher", self._dispatcher.run),
        ]

    async def aclose(self) -> None:
        """Stop; undelivered messages are sent after the next start."""
        await stop(*self._tasks)
        await self._dispatcher.aclose()

    @property
    def tally(self) -> Tally:
        """Counts of delivery outcomes since the start."""
        return self._dispatcher.tally

    @property
    def under_way(self) -> int:
        """Number of queues being sent."""
        return self._dispatcher.under_way

    @property
    def outstanding(self) -> Outstanding:
        """The undelivered messages as of the last call of ``count``."""
        return self._outstanding

    @property
    def oldest_seconds(self) -> float:
        """Seconds that the oldest of these messages has waited; 0 if none waits."""
        since = self._outstanding.since
        return 0.0 if since is None else max(self._wall() - since, 0.0)

    async def count(self) -> None:
        """Count the undelivered messages."""
        try:
            self._outstanding = await self.ledger.run(letters.outstanding)
        except LedgerError as error:
            log.warning("deliveries_unavailable", error=str(error))
            self._outstanding = Outstanding(math.nan, math.nan)

    async def forget(self, session_id: str) -> None:
        """Remove all waiting and dead messages of a session that its owner has deleted.

        Raises:
            LedgerError: the database is unavailable.
        """
        await self.ledger.run(lambda db: queues.forget_session(db, session_id))
