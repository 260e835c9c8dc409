"""Everything that delivers, opened and closed with the server."""

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
    """The relay and the dispatcher over one ledger.

    Attributes:
        ledger: the database of deliveries.
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
        """Go on with what an earlier process has left."""
        self._tasks = [
            self._supervisor.supervised("delivery relay", self._relay.run),
            self._supervisor.supervised("delivery dispatcher", self._dispatcher.run),
        ]

    async def aclose(self) -> None:
        """Stop; what has not arrived goes on at the next start."""
        await stop(*self._tasks)
        await self._dispatcher.aclose()

    @property
    def tally(self) -> Tally:
        """What came of the tries since the start."""
        return self._dispatcher.tally

    @property
    def under_way(self) -> int:
        """Queues that are sent from just now."""
        return self._dispatcher.under_way

    @property
    def outstanding(self) -> Outstanding:
        """What had not arrived when ``count`` was called last."""
        return self._outstanding

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest of it has waited; 0 when nothing waits."""
        since = self._outstanding.since
        return 0.0 if since is None else max(self._wall() - since, 0.0)

    async def count(self) -> None:
        """Count what has not arrived."""
        try:
            self._outstanding = await self.ledger.run(letters.outstanding)
        except LedgerError as error:
            log.warning("deliveries_unavailable", error=str(error))
            self._outstanding = Outstanding(math.nan, math.nan)

    async def forget(self, session_id: str) -> None:
        """Remove what waits or was given up for a session: its owner has deleted it.

        Raises:
            LedgerError: the database does not answer.
        """
        await self.ledger.run(lambda db: queues.forget_session(db, session_id))
