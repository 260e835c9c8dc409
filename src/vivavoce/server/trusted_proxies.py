"""Matches trusted proxies by address and network, for every forwarding header. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Self

from vivavoce.delivery.addresses import Network
from vivavoce.server.addresses import address_of

ANY = "*"

_MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies whose ``X-Forwarded-*`` headers are applied.

    Attributes:
        networks: their networks; a single address is a network of one address.
        anyone: whether every peer is trusted.
    """

    networks: tuple[Network, ...] = ()
    anyone: bool = False

    def __bool__(self) -> bool:
        return self.anyone or bool(self.networks)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse comma-separated addresses and networks, or ``*``.

        Raises:
            ValueError: a part is neither; the text names it.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        networks = tuple(_network(part) for part in parts if part != ANY)
        return cls(networks, ANY in parts)

    def trusts(self, host: str | None) -> bool:
        """Return whether a peer is trusted; one without an address only if ``anyone`` is set."""
        if self.anyone:
            return True
        address = address_of(host or "")
        return address is not None and any(address in network for network in self.networks)


def _network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is neither an address nor a network such as 10.0.0.0/8 ({error})"
        ) from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = int(network.network_address) & 0xFFFF_FFFF
        return IPv4Network((mapped, network.prefixlen - _MAPPED.prefixlen))
    return network
