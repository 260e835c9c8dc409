"""Connections to checked addresses only.

The check is made on the addresses that the connection then uses. A name that is looked up
again, as any check before the request would make happen, may have another answer by then.
"""

import asyncio
import ssl
from collections.abc import Iterable, Sequence

import httpcore

from vivavoce.delivery.addresses import Address, Reach, parsed
from vivavoce.delivery.resolver import Resolver

MAX_ADDRESSES = 4
"""Tried one after the other, each with its share of the time to connect."""


class RefusedAddressError(Exception):
    """A host has an address that deliveries may not go to; which one is nobody's business."""


class UnknownHostError(Exception):
    """A host has no address, or nobody could say."""


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Looks a host up once, checks every address, and connects to one of those very addresses.

    TLS is none of its business: the name of the host is what the certificate must be for.
    """

    def __init__(self, reach: Reach, resolver: Resolver) -> None:
        self._reach = reach
        self._resolver = resolver
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the library's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that takes one.

        Raises:
            RefusedAddressError: one of the addresses is out of reach.
            UnknownHostError: there are none.
            httpcore.ConnectError: none of them answers.
            httpcore.ConnectTimeout: nor in time.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = (await self._checked(host))[:MAX_ADDRESSES]
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        share = timeout and timeout / max(len(addresses), 1)
        failure: Exception = UnknownHostError(host)
        for address in addresses:
            try:
                return Line(
                    await self._network.connect_tcp(
                        str(address), port, share, local_address, socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error  # the next one may answer
        raise failure

    async def _checked(self, host: str) -> Sequence[Address]:
        """Every address of a host, all within reach."""
        literal = parsed(host)
        try:
            found = [literal] if literal else await self._resolver.addresses(host)
        except (OSError, UnicodeError) as error:
            raise UnknownHostError(host) from error
        allowed = [one for one in found if one is not None and self._reach.permits(one)]
        if len(allowed) < len(found):
            raise RefusedAddressError(host)
        return list(dict.fromkeys(allowed))


class Line(httpcore.AsyncNetworkStream):
    """A connection that does not stay open when its caller gives up before TLS is agreed.

    The library closes it on errors, but not when it is cancelled.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self.write = stream.write  # type: ignore[method-assign]  # as they are, at full speed
        self.read = stream.read  # type: ignore[method-assign]
        self.aclose = stream.aclose  # type: ignore[method-assign]
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the library's interface
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, encrypted."""
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise


def trusting_tls(roots: str | None = None) -> ssl.SSLContext:
    """TLS that verifies host and chain, against the system's roots and ``roots``, a PEM file."""
    context = ssl.create_default_context()
    if roots is not None:
        context.load_verify_locations(roots)
    return context
