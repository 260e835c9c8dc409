"""Connections to checked addresses only.

The check covers the addresses that the connection then uses. A check before the request would
need a second look-up for the connection, which may return other addresses (DNS rebinding).
"""

import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress

import httpcore

from vivavoce.delivery.addresses import Address, Reach, parsed
from vivavoce.delivery.resolver import Resolver

MAX_ADDRESSES = 4
"""Addresses tried in sequence, each with an equal share of the connect timeout."""


class RefusedAddressError(Exception):
    """A host has an address that deliveries may not use; the address is not disclosed."""


class UnknownHostError(Exception):
    """A host has no address, or the look-up failed."""


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Looks a host up once, checks every address, and connects to one of these addresses.

    TLS is unaffected: the certificate must match the host name.
    """

    def __init__(self, reach: Reach, resolver: Resolver, owner: str = "") -> None:
        self._reach = reach
        self._resolver = resolver
        self._owner = owner
        self._network = httpcore.AnyIOBackend()

    def on_behalf_of(self, owner: str) -> "CheckedNetwork":
        """Return the same network with the look-ups counted towards an owner."""
        return CheckedNetwork(self._reach, self._resolver, owner)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the library's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that accepts a connection.

        Raises:
            RefusedAddressError: at least one of the addresses is not allowed.
            UnknownHostError: the host has no address.
            httpcore.ConnectError: the last address tried refused the connection.
            httpcore.ConnectTimeout: the look-up or the last address tried timed out.
        """
        try:
            addresses = (await self._checked(host, timeout))[:MAX_ADDRESSES]
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
                failure = error  # the next address may accept
        raise failure

    async def _checked(self, host: str, patience: float | None) -> Sequence[Address]:
        """Return the addresses of a host, all of which must be allowed."""
        literal = parsed(host)
        try:
            if literal is None:
                found = await self._resolver.addresses(host, self._owner, patience)
            else:
                found = [literal]
        except TimeoutError:  # also an OSError, but it does not mean an unknown host
            raise
        except (OSError, UnicodeError) as error:
            raise UnknownHostError(host) from error
        allowed = [one for one in found if one is not None and self._reach.permits(one)]
        if len(allowed) < len(found):
            raise RefusedAddressError(host)
        return list(dict.fromkeys(allowed))


class Line(httpcore.AsyncNetworkStream):
    """A connection that sends a request in one write, and closes if TLS setup is cancelled.

    The library writes head and body separately, which costs an extra system call and packet per
    delivery; this class buffers the request until the response is read. The library closes a
    connection on errors, but not when it is cancelled during the TLS handshake.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._unsent: list[bytes] = []
        self.aclose = stream.aclose  # type: ignore[method-assign]  # direct, without a wrapper's cost
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  the library's interface
        """Buffer a part of the request."""
        self._unsent.append(buffer)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  the library's interface
        """Send the buffered request, then return the received bytes.

        Write errors are ignored: an endpoint may respond, and close the connection, before it
        has read the whole request.
        """
        if self._unsent:
            request, self._unsent = b"".join(self._unsent), []
            with suppress(httpcore.WriteError):
                await self._stream.write(request, timeout)
        return await self._stream.read(max_bytes, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the library's interface
    ) -> httpcore.AsyncNetworkStream:
        """Return the connection with TLS; close it on failure or cancellation."""
        try:
            return Line(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self._stream.aclose()
            raise


def trusting_tls(roots: str | None = None) -> ssl.SSLContext:
    """Return a context that verifies host and chain by the system's roots and a PEM file."""
    context = ssl.create_default_context()
    if roots is not None:
        context.load_verify_locations(roots)
    return context
