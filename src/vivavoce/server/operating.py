"""Administration of deliveries on a data folder, with or without a running server.

A running server applies changes within a second.
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
    """An operation is not possible; the text is the reason, for the operator."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Administers the deliveries of one data folder."""

    settings: Settings

    def add(self, url: str, owner: str | None) -> tuple[Endpoint, str | None]:
        """Add an endpoint; also return why the settings forbid to reach it, or None.

        Raises:
            OperatingError: the URL is not valid.
        """
        if fault := url_fault(url, ANYWHERE):
            raise OperatingError(f"the URL {fault}")
        made = self._run(lambda db: endpoints.add(db, url, owner, time.time()))
        return made, url_fault(url, reach(self.settings))

    def endpoints(self) -> Sequence[Endpoint]:
        """Return all endpoints, oldest first."""
        return self._run(endpoints.every)

    def remove(self, endpoint_id: str) -> None:
        """Remove an endpoint with all its pending messages."""
        self._run(lambda db: endpoints.remove(db, endpoint_id))

    def enable(self, endpoint_id: str) -> None:
        """Enable a disabled endpoint again."""
        self._run(lambda db: endpoints.enable(db, endpoint_id))

    def rotate(self, endpoint_id: str) -> str:
        """Return a new secret for an endpoint; the previous secret keeps signing."""
        return self._run(lambda db: endpoints.rotate(db, endpoint_id)).secrets[0]

    def test(self, endpoint_id: str) -> Answer:
        """Send a test message to an endpoint; return its result."""
        found = self._run(lambda db: endpoints.find(db, endpoint_id))
        return asyncio.run(self._try(found))

    async def _try(self, endpoint: Endpoint) -> Answer:
        async with SafeTransport(reach(self.settings)) as transport:
            return await trial.try_endpoint(transport, sign, endpoint, time.time())

    def backlogs(self, most: int) -> Sequence[Backlog]:
        """Return at most ``most`` queues with pending messages or dead letters."""
        return self._run(lambda db: letters.backlogs(db, most))

    def dead_letters(self, choice: Choice, most: int) -> Sequence[DeadLetter]:
        """Return at most ``most`` dead letters."""
        return self._run(lambda db: letters.dead_letters(db, choice, most))

    def redeliver(self, choice: Choice) -> int:
        """Schedule dead letters for delivery again; return their number."""
        return self._run(lambda db: letters.redeliver(db, choice, time.time()))

    def callback_secret(self, owner: str, *, rotate: bool) -> str:
        """Return the secret that signs the callbacks of a key's sessions."""
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
            # Opening would create a ledger whose secrets no server uses.
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
    """Open the administration of a data folder, with the settings of its server.

    Raises:
        OperatingError: a setting is not valid.
    """
    try:
        return Desk(load(config, {"data": data}))
    except SettingsError as error:
        raise OperatingError(str(error)) from error


def choice(ids: Sequence[str], session: str | None, endpoint: str | None) -> Choice:
    """Return the selection of dead letters."""
    return Choice(tuple(ids), session, endpoint)
