"""The address under which a client knows this server."""

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from vivavoce.delivery.addresses import Address


def base_url(request: HTTPConnection, public_url: str | None, *, websocket: bool = False) -> str:
    """The base URL that the client used, or the one that the operator gave; no slash at its end."""
    parts = urlsplit(public_url or str(request.base_url))
    scheme = parts.scheme
    if websocket:
        scheme = "wss" if scheme in {"https", "wss"} else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    address = address_of(host)
    return host == "localhost" if address is None else address.is_loopback


def address_of(text: str) -> Address | None:
    """An address without its scope id, an IPv4-mapped one as IPv4; None for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
