"""A connection pool that keeps connections for the next delivery to the same endpoint.

The HTTP library's pool examines every connection for every request. This pool compares only
keys of origins, and leaves connections and HTTP to the library.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpcore

Key = tuple[bytes, bytes, int]

OWNER = "vivavoce.owner"
"""The request extension that names the owner of a delivery."""

GONE = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)
"""Exceptions raised by a request on a connection that the peer has closed."""


class Pool:
    """Opens connections, and keeps up to ``kept`` idle ones for ``idle`` seconds.

    Args:
        network: returns the network backend for the owner of a request.
        tls: TLS context of the connections.
        kept: maximum number of idle connections.
        idle: seconds for which an idle connection is kept.
    """

    def __init__(
        self,
        network: Callable[[str], httpcore.AsyncNetworkBackend],
        tls: ssl.SSLContext,
        *,
        kept: int,
        idle: float,
    ) -> None:
        self._network = network
        self._tls = tls
        self._kept = kept
        self._idle_seconds = idle
        self._idle: list[tuple[Key, httpcore.AsyncHTTPConnection]] = []

    @asynccontextmanager
    async def respond(self, request: httpcore.Request) -> AsyncIterator[httpcore.Response]:
        """Yield the response to a request; keep the connection if the body was read fully."""
        origin = request.url.origin
        key = (origin.scheme, origin.host, origin.port)
        connection, response = await self._sent(key, request)
        try:
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            await self._keep(key, connection)

    async def aclose(self) -> None:
        """Close the idle connections, and keep no more."""
        self._kept = 0
        while self._idle:
            await self._idle.pop()[1].aclose()

    async def _sent(
        self, key: Key, request: httpcore.Request
    ) -> tuple[httpcore.AsyncHTTPConnection, httpcore.Response]:
        """Send a request; return the connection used and the response.

        An endpoint may close an idle connection at any time, even while a request is in transit.
        A request that fails on a reused connection is therefore repeated once on a new one.
        """
        if kept := await self._take(key):
            with suppress(*GONE):
                return kept, await self._tried(kept, request)
        made = self._made(request.url.origin, request.extensions.get(OWNER, ""))
        return made, await self._tried(made, request)

    async def _tried(
        self, connection: httpcore.AsyncHTTPConnection, request: httpcore.Request
    ) -> httpcore.Response:
        """Send a request on a connection, which is closed if there is no response."""
        try:
            return await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise

    def _made(self, origin: httpcore.Origin, owner: str) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            origin, self._tls, self._idle_seconds, network_backend=self._network(owner)
        )

    async def _take(self, key: Key) -> httpcore.AsyncHTTPConnection | None:
        """Return the most recent usable connection to an origin, if there is one."""
        while connection := self._popped(key):
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    def _popped(self, key: Key) -> httpcore.AsyncHTTPConnection | None:
        for index in reversed(range(len(self._idle))):
            if self._idle[index][0] == key:
                return self._idle.pop(index)[1]
        return None

    async def _keep(self, key: Key, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a reusable connection, and close expired and excess connections, oldest first."""
        if not connection.is_available():
            await connection.aclose()
            return
        self._idle.append((key, connection))
        while self._idle and (len(self._idle) > self._kept or self._idle[0][1].has_expired()):
            await self._idle.pop(0)[1].aclose()
