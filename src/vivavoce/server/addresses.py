"""IP addresses, and the base URL of this server as its clients see it."""

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from vivavoce.delivery.addresses import Address


def base_url(request: HTTPConnection, public_url: str | None, *, websocket: bool = False) -> str:
    """Return ``public_url``, or else the base URL that the client used, without a final slash."""
    parts = urlsplit(public_url or str(request.base_url))
    scheme = parts.scheme
    if websocket:
        scheme = "wss" if scheme in {"https", "wss"} else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    address = address_of(host)
    return host == "localhost" if address is None else address.is_loopback


def is_unspecified(host: str) -> bool:
    """Return whether an address denotes all addresses of this machine: ``::`` or ``0.0.0.0``."""
    address = address_of(host)
    return address is not None and address.is_unspecified


def address_of(text: str) -> Address | None:
    """Parse an address, without its scope id, IPv4-mapped as IPv4; return None if invalid."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
