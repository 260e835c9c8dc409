"""Open connections, kept for the next delivery to the same endpoint.

The HTTP library's own pool looks at every connection for every request. This one looks only at
those of one origin, and leaves connections and HTTP itself to the library.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpcore

Key = tuple[bytes, bytes, int]

OWNER = "vivavoce.owner"
"""The request extension that names the owner of a delivery."""

GONE = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)
"""What becomes of a request on a connection that the other side has closed."""


class Pool:
    """Makes connections, and keeps up to ``kept`` of them for ``idle`` seconds.

    Args:
        network: makes the network for the owner of a request.
        tls: how connections are encrypted.
        kept: idle connections that are kept.
        idle: seconds for which they are kept.
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
        """The answer to a request; its connection is kept if the body is read to its end."""
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
        """Close what is kept, and keep nothing from now on."""
        self._kept = 0
        while self._idle:
            await self._idle.pop()[1].aclose()

    async def _sent(
        self, key: Key, request: httpcore.Request
    ) -> tuple[httpcore.AsyncHTTPConnection, httpcore.Response]:
        """A request's answer and the connection that it came on.

        Endpoints close kept connections when they like, also while a request is on its way, so
        one that breaks is no failure yet: the request goes out once more on a new one.
        """
        if kept := await self._take(key):
            with suppress(*GONE):
                return kept, await self._tried(kept, request)
        made = self._made(request.url.origin, request.extensions.get(OWNER, ""))
        return made, await self._tried(made, request)

    async def _tried(
        self, connection: httpcore.AsyncHTTPConnection, request: httpcore.Request
    ) -> httpcore.Response:
        """The answer; without one the connection is closed."""
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
        """The latest connection to an origin that still holds."""
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
        """Keep a connection that can carry another request; the oldest make room for it."""
        if not connection.is_available():
            await connection.aclose()
            return
        self._idle.append((key, connection))
        while self._idle and (len(self._idle) > self._kept or self._idle[0][1].has_expired()):
            await self._idle.pop(0)[1].aclose()
