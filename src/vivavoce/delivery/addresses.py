"""Which addresses a delivery may connect to: public ones, and the operator's own networks.

The tables are ours and not only those of ``ipaddress``: what counts as global there differs
between patch releases, and leaves out addresses that are public in form alone.
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
        "168.63.129.16/32",  # a cloud's host agent, under a public address
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
"""All that has been given out for the internet; whatever lies outside is refused."""

NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: leads to whatever IPv4 address it carries
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: how a machine without IPv4 reaches the address in the last 32 bits."""

ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""The third quarter of an address that is tunnelled to the IPv4 address in the last one."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where deliveries may go.

    Attributes:
        networks: that the operator allows although they are not public.
        ports: that an endpoint may have.
    """

    networks: Collection[Network] = ()
    ports: Collection[int] = DEFAULT_PORTS

    def permits(self, address: Address) -> bool:
        """Whether a connection to this address is allowed."""
        address = carried(address)
        return public(address) or any(address in network for network in self.networks)


def carried(address: Address) -> Address:
    """The IPv4 address that this one is only another form of, else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def public(address: Address) -> bool:
    """Whether this is one host's address on the internet."""
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    tunnelled = (int(address) >> 32) & 0xFFFF_FFFF in ISATAP
    listed = any(address in network for network in NOT_PUBLIC_V6)
    return address in PUBLIC_V6 and not listed and not tunnelled


def parsed(text: str) -> Address | None:
    """An address in its usual form, or nothing; a scope id belongs to no public address."""
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None
