"""What an operator does with deliveries on a data folder, beside a running server or without one.

A running server finds changes within a second.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sql

from vivavoce.delivery import endpoints, letters, trial
from vivavoce.delivery.endpoints import Endpoint, UnknownEndpointError
from vivavoce.delivery.ledger import FILE, Ledger, LedgerError
from vivavoce.delivery.letters import Backlog, Choice, DeadLetter
from vivavoce.delivery.port import Answer
from vivavoce.delivery.safe_http import SafeTransport
from vivavoce.delivery.signing import sign
from vivavoce.server.delivering import ANYWHERE, reach, url_fault
from vivavoce.server.settings import Settings, SettingsError, load

Result = TypeVar("Result")


class OperatingError(Exception):
    """What was asked cannot be done; the text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The deliveries of one data folder."""

    settings: Settings

    def add(self, url: str, owner: str | None) -> tuple[Endpoint, str | None]:
        """Add an endpoint; also says why this machine's settings would not let it be reached.

        Raises:
            OperatingError: the URL has no meaning.
        """
        if fault := url_fault(url, ANYWHERE):
            raise OperatingError(f"the URL {fault}")
        made = self._run(lambda db: endpoints.add(db, url, owner, time.time()))
        return made, url_fault(url, reach(self.settings))

    def endpoints(self) -> Sequence[Endpoint]:
        """Every endpoint, oldest first."""
        return self._run(endpoints.every)

    def remove(self, endpoint_id: str) -> None:
        """Remove an endpoint with everything that waits for it."""
        self._run(lambda db: endpoints.remove(db, endpoint_id))

    def enable(self, endpoint_id: str) -> None:
        """Send to an endpoint again that was disabled."""
        self._run(lambda db: endpoints.enable(db, endpoint_id))

    def rotate(self, endpoint_id: str) -> str:
        """A new secret for an endpoint, beside which the one before goes on signing."""
        return self._run(lambda db: endpoints.rotate(db, endpoint_id)).secrets[0]

    def test(self, endpoint_id: str) -> Answer:
        """Send an endpoint a trial message; gives what came of it."""
        found = self._run(lambda db: endpoints.find(db, endpoint_id))
        return asyncio.run(self._try(found))

    async def _try(self, endpoint: Endpoint) -> Answer:
        async with SafeTransport(reach(self.settings)) as transport:
            return await trial.try_endpoint(transport, sign, endpoint, time.time())

    def backlogs(self, most: int) -> Sequence[Backlog]:
        """Queues in which something waits or lies dead."""
        return self._run(lambda db: letters.backlogs(db, most))

    def dead_letters(self, choice: Choice, most: int) -> Sequence[DeadLetter]:
        """Messages that were given up."""
        return self._run(lambda db: letters.dead_letters(db, choice, most))

    def redeliver(self, choice: Choice) -> int:
        """Have dead letters sent again; returns how many."""
        return self._run(lambda db: letters.redeliver(db, choice, time.time()))

    def callback_secret(self, owner: str, *, rotate: bool) -> str:
        """What signs the callbacks of a key's sessions."""
        secrets = endpoints.rotate_callback_secret if rotate else endpoints.callback_secrets
        return self._run(lambda db: secrets(db, owner))[0]

    def _run(self, work: Callable[[sql.Connection], Result]) -> Result:
        try:
            return asyncio.run(self._work(work))
        except UnknownEndpointError as error:
            raise OperatingError(f"there is no endpoint {error}") from error
        except (LedgerError, OSError) as error:
            raise OperatingError(str(error)) from error

    async def _work(self, work: Callable[[sql.Connection], Result]) -> Result:
        if not (self.settings.data / FILE).exists():
            # Else it would be made, and the secrets in it would be those of no server.
            raise OperatingError(
                f"no server has worked in {self.settings.data} yet: "
                "give --data or --config as for serve, or start it once"
            )
        ledger = await Ledger.of_folder(self.settings.data)
        try:
            return await ledger.run(work)
        finally:
            await ledger.close()


def open_desk(data: Path | None, config: Path | None) -> Desk:
    """The desk of a data folder, with the settings that a server on it would have.

    Raises:
        OperatingError: a setting is wrong.
    """
    try:
        return Desk(load(config, {"data": data}))
    except SettingsError as error:
        raise OperatingError(str(error)) from error


def choice(ids: Sequence[str], session: str | None, endpoint: str | None) -> Choice:
    """Which dead letters are meant."""
    return Choice(tuple(ids), session, endpoint)
