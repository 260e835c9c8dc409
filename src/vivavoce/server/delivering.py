"""Sets up deliveries from the settings: allowed targets, transport and policy."""

import random
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from ipaddress import ip_network

from msgspec import UNSET

from vivavoce.delivery.addresses import Reach
from vivavoce.delivery.dispatcher import Means, Size
from vivavoce.delivery.house import Deliveries
from vivavoce.delivery.ledger import Ledger
from vivavoce.delivery.port import Transport
from vivavoce.delivery.safe_http import SafeTransport
from vivavoce.delivery.schedule import Policy
from vivavoce.delivery.signing import sign
from vivavoce.delivery.targets import RefusedTargetError, target
from vivavoce.journal.port import Journal
from vivavoce.protocol.request import InitRequest
from vivavoce.server.settings import Settings
from vivavoce.supervision import Supervisor

ANY_PORT: Collection[int] = range(1, 65536)
ANYWHERE = Reach((ip_network("0.0.0.0/0"), ip_network("::/0")), ANY_PORT)
"""A reach without restrictions, to check only the URL itself."""


def reach(settings: Settings) -> Reach:
    """Return the networks and ports that deliveries may reach."""
    return Reach(settings.callback_networks, settings.callback_ports or ANY_PORT)


def url_fault(url: str, allowed: Reach) -> str | None:
    """Return the fault of an endpoint's URL, beginning with ``must``; None if it is valid."""
    try:
        target(url, allowed)
    except RefusedTargetError as error:
        return str(error)
    return None


def callback_refusal(request: InitRequest, allowed: Reach) -> str | None:
    """Return why a session's callbacks cannot be delivered; None if they can or are disabled."""
    config = request.callback_config
    if not request.callback or config is UNSET or config.url is UNSET:
        return None
    fault = url_fault(config.url, allowed)
    return fault and f"callback_config.url {fault}"


def means(settings: Settings, transport: Transport) -> Means:
    """Return the dependencies of the dispatcher."""
    return Means(
        transport=transport,
        sign=sign,
        policy=Policy(settings.callback_delays, settings.callback_give_up),
        size=Size(settings.callback_max_bytes, (settings.public_url or "").rstrip("/")),
        wall=time.time,
        dice=random.random,
    )


async def open_deliveries(
    settings: Settings, journal: Journal, stack: AsyncExitStack, supervisor: Supervisor
) -> tuple[Deliveries, Transport]:
    """Start the delivery service; the stack closes it.

    Raises:
        LedgerError, OSError: its database cannot be used.
    """
    ledger = await Ledger.of_folder(settings.data)
    stack.push_async_callback(ledger.close)
    transport = await stack.enter_async_context(SafeTransport(reach(settings)))
    deliveries = Deliveries(journal, ledger, means(settings, transport), supervisor)
    deliveries.start()
    stack.push_async_callback(deliveries.aclose)
    return deliveries, transport
