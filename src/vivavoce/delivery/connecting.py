"""Connections to checked addresses only.

The check is made on the addresses that the connection then uses. A name that is looked up
again, as any check before the request would make happen, may have another answer by then.
"""

import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress

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

    def __init__(self, reach: Reach, resolver: Resolver, owner: str = "") -> None:
        self._reach = reach
        self._resolver = resolver
        self._owner = owner
        self._network = httpcore.AnyIOBackend()

    def on_behalf_of(self, owner: str) -> "CheckedNetwork":
        """The same network, with the look-ups counted as an owner's."""
        return CheckedNetwork(self._reach, self._resolver, owner)

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
                failure = error  # the next one may answer
        raise failure

    async def _checked(self, host: str, patience: float | None) -> Sequence[Address]:
        """Every address of a host, all within reach."""
        literal = parsed(host)
        try:
            if literal is None:
                found = await self._resolver.addresses(host, self._owner, patience)
            else:
                found = [literal]
        except TimeoutError:  # an OSError, too, but not one that says there is no such host
            raise
        except (OSError, UnicodeError) as error:
            raise UnknownHostError(host) from error
        allowed = [one for one in found if one is not None and self._reach.permits(one)]
        if len(allowed) < len(found):
            raise RefusedAddressError(host)
        return list(dict.fromkeys(allowed))


class Line(httpcore.AsyncNetworkStream):
    """A connection that sends a request in one piece, and is closed when its caller gives up.

    The library writes head and body apart, which costs each delivery a system call and the
    endpoint a packet; here nothing leaves before the answer is asked for. The library closes a
    connection on errors, but not when it is cancelled while TLS is agreed.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._unsent: list[bytes] = []
        self.aclose = stream.aclose  # type: ignore[method-assign]  # as they are, at full speed
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  the library's interface
        """Send with the rest of the request."""
        self._unsent.append(buffer)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  the library's interface
        """What has come, once everything was sent that was to be.

        An endpoint may answer, and close, before it has read the whole request.
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
        """The same connection, encrypted."""
        try:
            return Line(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self._stream.aclose()
            raise


def trusting_tls(roots: str | None = None) -> ssl.SSLContext:
    """TLS that verifies host and chain, against the system's roots and ``roots``, a PEM file."""
    context = ssl.create_default_context()
    if roots is not None:
        context.load_verify_locations(roots)
    return context
