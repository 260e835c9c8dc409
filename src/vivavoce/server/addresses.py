"""The address under which a client knows this server."""

import contextlib
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def base_url(request: HTTPConnection, public_url: str | None, *, websocket: bool = False) -> str:
    """The base URL that the client used, or the one that the operator gave; no slash at its end."""
    parts = urlsplit(public_url or str(request.base_url))
    scheme = parts.scheme
    if websocket:
        scheme = "wss" if scheme in {"https", "wss"} else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
