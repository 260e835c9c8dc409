"""HTTP requests to endpoints named by clients, protected against SSRF.

This module bounds where a request goes (``targets`` and ``connecting``), how long it takes, and
how much of a response is read. It follows no redirects, uses no proxy from the environment, keeps
no cookies and decompresses nothing. Of a response, only the status and ``Retry-After`` are
returned.
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
    """Limits of a delivery; times in seconds, sizes in bytes.

    Attributes:
        connect: timeout of each step of connecting (look-up, TCP, TLS), without the wait for a
            free look-up slot of the owner.
        total: timeout until the head of the response has arrived.
        body: maximum bytes of a response body that are read, so that the connection can be
            reused.
        rest: timeout for reading the body.
        connections: maximum concurrent requests; further deliveries wait, before their
            timeouts begin.
        kept: maximum idle connections, each kept for ``idle`` seconds.
    """

    connect: float = 5
    total: float = 15
    body: int = 64 * 1024
    rest: float = 1
    connections: int = 256
    kept: int = 64
    idle: float = 15


class SafeTransport:
    """The ``Transport`` that the server uses: posts deliveries over HTTP.

    The HTTP library refuses response heads over 100 KiB.
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
        """Send one request; failures are returned as an ``Answer``."""
        try:
            request = self._request(target(delivery.url, self._reach), delivery)
            async with self._free:
                return await self._exchange(request)
        except FAILURES as error:
            return Answer(None, None, described(error))

    def _request(self, place: Target, delivery: Delivery) -> httpcore.Request:
        """Build the request from the checked parts, not from the URL as given."""
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
        """Read the body of a small response, so that the connection can be reused.

        After a larger body or an error, the connection is closed; the response still counts.
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
