"""Strict parsing of client-supplied URLs: the target of a delivery, or why it is refused.

Programs parse unusual URLs differently, which attackers exploit. An ambiguous URL is therefore
refused, and requests are built from the parts checked here, never from the original text. No
name is looked up.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

from vivavoce.delivery.addresses import Address, Reach

MAX_URL = 2048
MAX_HOST = 253
SCHEME_PORTS = {"http": 80, "https": 443}
PORTS = range(1, 65536)

PRIVATE_NAMES = frozenset({
    *("localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home"),
    *("lan", "home.arpa", "onion", "invalid", "test"),
})  # fmt: skip
"""Names, and suffixes of names, that never have a public address."""

_PRINTABLE = re.compile(r"[\x21-\x7e\x80-\U0010ffff]*")
_PARTS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)")
_REST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]|{}^-]|%[0-9A-Fa-f]{2})*")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label with which programs interpret the whole host as an IPv4 address."""


class RefusedTargetError(ValueError):
    """A URL to which deliveries are not allowed; the text begins with ``must``."""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a delivery.

    Attributes:
        scheme: ``http`` or ``https``.
        host: lower-case ASCII name, or an address in its shortest form, IPv6 without brackets.
        port: port of the URL, or the default of the scheme.
        path: path and query as sent.
        address: the host as an address; None if it is a name.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == SCHEME_PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str, reach: Reach) -> Target:
    """Parse ``url``.

    Raises:
        RefusedTargetError: the URL is ambiguous, or deliveries to it are not allowed.
    """
    if len(url) > MAX_URL:
        raise RefusedTargetError(f"must have at most {MAX_URL} characters")
    if not _PRINTABLE.fullmatch(url):
        raise RefusedTargetError("must have no spaces or control characters")
    parts = _PARTS.fullmatch(url)
    scheme = parts["scheme"].lower() if parts else ""
    if not parts or scheme not in SCHEME_PORTS:
        raise RefusedTargetError("must begin with http:// or https://")
    host, address, port = _authority(parts["authority"], scheme)
    if port not in reach.ports:
        raise RefusedTargetError(f"must have a port that this server allows, not {port}")
    if address is not None and not reach.permits(address):
        raise RefusedTargetError("must have a public address")
    if address is None and not reach.networks and _private(host):
        raise RefusedTargetError("must have a host with a public name")
    return Target(scheme, host, port, _path(parts["rest"]), address)


def _authority(text: str, scheme: str) -> tuple[str, Address | None, int]:
    """Return the host, its address if it is one, and the port."""
    if "@" in text:
        raise RefusedTargetError("must have no user name or password")
    if "\\" in text or "%" in text:
        raise RefusedTargetError("must have no backslash or percent sign in its host")
    parts = _AUTHORITY.fullmatch(text)
    if not parts or not parts["host"]:
        raise RefusedTargetError("must have a host, and brackets around an IPv6 address")
    port = SCHEME_PORTS[scheme] if parts["port"] is None else _port(parts["port"])
    if parts["host"].startswith("["):
        address = _v6(parts["host"][1:-1])
        return str(address), address, port
    host = _ascii(parts["host"])
    return host, _v4(host), port


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) not in PORTS:
        raise RefusedTargetError("must have a port between 1 and 65535, or none")
    return int(text)


def _v6(text: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except AddressValueError as error:
        raise RefusedTargetError("must have a valid IPv6 address") from error


def _v4(host: str) -> IPv4Address | None:
    """Parse a host that looks like an IPv4 address; only four decimal numbers are accepted."""
    if not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(host)
    except AddressValueError as error:
        raise RefusedTargetError("must have an IPv4 address as four decimal numbers") from error


def _ascii(host: str) -> str:
    """Return a host name in the form that is looked up.

    International names are encoded to ASCII by IDNA 2008 without any mapping, so that no digit,
    dot or letter appears that was not in the input.
    """
    if len(host) > MAX_HOST:
        raise RefusedTargetError(f"must have a host of at most {MAX_HOST} characters")
    if not host.isascii() or "xn--" in host.lower():
        try:
            host = idna.encode(host, strict=True).decode()
        except (idna.IDNAError, UnicodeError) as error:
            raise RefusedTargetError("must have a valid international host name") from error
    host = host.lower()
    if len(host) > MAX_HOST or not all(map(_LABEL.fullmatch, host.split("."))):
        raise RefusedTargetError("must have a valid host name, without a dot at its end")
    return host


def _private(host: str) -> bool:
    """Return whether the name cannot have a public address."""
    labels = host.split(".")
    ends = (".".join(labels[start:]) for start in range(len(labels)))
    return len(labels) == 1 or not PRIVATE_NAMES.isdisjoint(ends)


def _path(rest: str) -> str:
    """Return path and query, which only the endpoint interprets."""
    if "#" in rest:
        raise RefusedTargetError("must have no fragment")
    if not _REST.fullmatch(rest):
        raise RefusedTargetError("must have a path and query in ASCII, percent-encoded")
    return rest if rest.startswith("/") else f"/{rest}"
