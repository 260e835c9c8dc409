"""Addresses that deliveries may connect to: public ones, and networks the operator allows.

The tables supplement those of ``ipaddress``, whose definition of global differs between patch
releases and includes addresses that are public only in form.
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_PORTS = frozenset({80, 443})

NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network: reaches this machine
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent, at a public address
        "169.254.0.0/16",  # link-local: most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast relays
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

PUBLIC_V6 = IPv6Network("2000::/3")
"""The range allocated for the internet; addresses outside it are refused."""

NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: routes to the embedded IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: how a host without IPv4 reaches the IPv4 address in the last 32 bits."""

ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""The third 32 bits of an address that is tunnelled to the IPv4 address in the last 32 bits."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The networks and ports that deliveries may connect to.

    Attributes:
        networks: non-public networks that the operator allows.
        ports: ports that an endpoint may use.
    """

    networks: Collection[Network] = ()
    ports: Collection[int] = DEFAULT_PORTS

    def permits(self, address: Address) -> bool:
        """Return whether a connection to this address is allowed."""
        address = carried(address)
        return public(address) or any(address in network for network in self.networks)


def carried(address: Address) -> Address:
    """Return the IPv4 address embedded in a mapped or NAT64 address, otherwise the address."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def public(address: Address) -> bool:
    """Return whether this is a public unicast address."""
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    tunnelled = (int(address) >> 32) & 0xFFFF_FFFF in ISATAP
    listed = any(address in network for network in NOT_PUBLIC_V6)
    return address in PUBLIC_V6 and not listed and not tunnelled


def parsed(text: str) -> Address | None:
    """Parse an address; None if it is not one or has a scope id, as no public address does."""
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None
