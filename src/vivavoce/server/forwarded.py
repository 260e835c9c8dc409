"""Applies ``X-Forwarded-For``, ``-Proto`` and ``-Host`` to requests that trusted proxies send.

One matcher decides for all three headers, so that the scheme, host and client address of a
request always have the same source.
"""

from collections.abc import Iterable
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from vivavoce.server.addresses import address_of
from vivavoce.server.trusted_proxies import TrustedProxies

FOR = b"x-forwarded-for"
PROTO = b"x-forwarded-proto"
HOST = b"x-forwarded-host"

_SCHEMES = {
    "http": {"http": "http", "https": "https", "ws": "http", "wss": "https"},
    "websocket": {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"},
}


class ForwardedHeaders:
    """Replaces client, scheme and host of a request by the values that a trusted proxy reports."""

    def __init__(self, app: ASGIApp, trusted: TrustedProxies) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] in _SCHEMES:
            scope = forwarded(scope, self._trusted)
        await self._app(scope, receive, send)


def forwarded(scope: Scope, trusted: TrustedProxies) -> Scope:
    """Return the scope as the client's request; unchanged unless the peer is a trusted proxy."""
    peer = scope.get("client")
    if not trusted.trusts(peer[0] if peer else None):
        return scope
    headers: list[tuple[bytes, bytes]] = list(scope["headers"])
    changes: dict[str, Any] = {}
    if client := client_address(_items(headers, FOR), trusted):
        changes["client"] = (client, 0)
    proto = next(iter(_items(headers, PROTO)), "").lower()
    if scheme := _SCHEMES[scope["type"]].get(proto):
        changes["scheme"] = scheme
    if host := next(iter(_items(headers, HOST)), ""):
        kept = [(name, value) for name, value in headers if name != b"host"]
        changes["headers"] = [*kept, (b"host", host.encode("latin-1"))]
    return {**scope, **changes}


def client_address(hops: Iterable[str], trusted: TrustedProxies) -> str | None:
    """Return the client's address: the first hop, from the nearest, that is no trusted proxy.

    A hop that is no address ends the search, because an unidentified peer wrote the hops before
    it. The result is then the last address found, or None.
    """
    nearest = None
    for hop in reversed(list(hops)):
        address = address_of(_without_port(hop))
        if address is None:
            return nearest
        nearest = str(address)
        if not trusted.trusts(nearest):
            return nearest
    return nearest


def _items(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """Return the non-empty parts of a list header, over all its lines."""
    lines = (value.decode("latin-1") for key, value in headers if key == name)
    return [part.strip() for line in lines for part in line.split(",") if part.strip()]


def _without_port(hop: str) -> str:
    """Return ``[v6]:port`` and ``v4:port`` without the port."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    host, _, port = hop.partition(":")
    return host if port.isdigit() else hop


def believing(trusted_proxies: str) -> list[Middleware]:
    """Return the middleware for these proxies; an empty list if none is trusted.

    Raises:
        ValueError: a part is neither an address nor a network.
    """
    trusted = TrustedProxies.parse(trusted_proxies)
    return [Middleware(ForwardedHeaders, trusted=trusted)] if trusted else []
