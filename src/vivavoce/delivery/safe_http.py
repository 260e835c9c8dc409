"""HTTP to endpoints that strangers named, without letting them reach anything but themselves.

What a request could be made to do is bounded here: where it goes (``targets`` and
``connecting``), how long it takes, and how much of an answer is read. No redirect is followed,
no proxy of the environment is used, no cookie is kept, nothing is unpacked, and nothing of an
answer but its status and its ``Retry-After`` leaves this module.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Self

import certifi
import httpcore

from vivavoce import __version__
from vivavoce.delivery.addresses import Reach
from vivavoce.delivery.connecting import CheckedNetwork, trusting_tls
from vivavoce.delivery.failures import FAILURES, described
from vivavoce.delivery.pool import OWNER, Pool
from vivavoce.delivery.port import Answer, Delivery
from vivavoce.delivery.resolver import Resolver, SystemResolver
from vivavoce.delivery.retry_after import retry_after
from vivavoce.delivery.targets import Target, target

HEADERS = {
    "user-agent": f"vivavoce/{__version__}",
    "content-type": "application/json",
    "accept-encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a delivery may take; times in seconds, sizes in bytes.

    Attributes:
        connect: until there is a connection, look-up and TLS included, but not the wait for
            the owner's turn to look names up.
        total: until the head of the answer has come.
        body: that is read of an answer, only so that the connection can be used again.
        rest: time for that.
        connections: at the same time; further deliveries wait, and their time with them.
        kept: connections that are kept while idle, for ``idle`` seconds.
    """

    connect: float = 5
    total: float = 15
    body: int = 64 * 1024
    rest: float = 1
    connections: int = 256
    kept: int = 64
    idle: float = 15


class SafeTransport:
    """Posts deliveries; the ``Transport`` of the house.

    Heads of answers over 100 KiB are refused by the HTTP library.
    """

    def __init__(
        self,
        reach: Reach,
        *,
        bounds: Bounds = Bounds(),
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reach = reach
        self._bounds = bounds
        self._clock = clock
        self._system = SystemResolver()
        self._free = asyncio.Semaphore(bounds.connections)
        self._pool = Pool(
            CheckedNetwork(reach, resolver or self._system).on_behalf_of,
            tls or trusting_tls(certifi.where()),
            kept=bounds.kept,
            idle=bounds.idle,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()
        self._system.close()

    async def post(self, delivery: Delivery) -> Answer:
        """Send one request; whatever goes wrong on the way is an answer."""
        try:
            request = self._request(target(delivery.url, self._reach), delivery)
            async with self._free:
                return await self._exchange(request)
        except FAILURES as error:
            return Answer(None, None, described(error))

    def _request(self, place: Target, delivery: Delivery) -> httpcore.Request:
        """Put together from what was checked, not from the URL as it was given."""
        url = httpcore.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.path)
        own = {"host": place.authority, "content-length": str(len(delivery.body))}
        headers = list((HEADERS | dict(delivery.headers) | own).items())
        more = {"timeout": {"connect": self._bounds.connect}, OWNER: delivery.owner}
        return httpcore.Request(
            "POST", url, headers=headers, content=delivery.body, extensions=more
        )

    async def _exchange(self, request: httpcore.Request) -> Answer:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._bounds.total):
                response = await stack.enter_async_context(self._pool.respond(request))
            await self._drain(response)
            return Answer(response.status, self._retry_after(response))

    async def _drain(self, response: httpcore.Response) -> None:
        """Read what is left of a small answer, so that its connection can be used again.

        A connection with more to come, or with trouble, is closed; the endpoint has answered.
        """
        size = 0
        with suppress(*FAILURES):
            async with asyncio.timeout(self._bounds.rest):
                async for part in response.aiter_stream():
                    size += len(part)
                    if size > self._bounds.body:
                        return

    def _retry_after(self, response: httpcore.Response) -> float | None:
        for name, value in response.headers:
            if name.lower() == b"retry-after":
                return retry_after(value.decode("latin-1"), self._clock())
        return None
