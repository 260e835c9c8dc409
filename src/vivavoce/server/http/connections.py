"""Limits open connections in total and per address, and selects idle ones to close.

No I/O. A connection that waits for a request (its first or its next one) can be closed without
loss: if the server is full, the connection that has waited longest is closed for a new one. A
connection with an active request or WebSocket never is.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

MAX_PER_ADDRESS = 256
"""Default of the setting ``max_connections_per_address``."""

_IPV6_SITE_BITS = 64
"""Length of the IPv6 prefix that counts as one site."""


class Refusal(StrEnum):
    """Why a connection is refused."""

    FULL = "full"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """The bounds of open connections.

    Attributes:
        total: connections in total.
        per_address: connections of one IPv4 address or one IPv6 /64 network.
        exempt: returns whether an address is exempt from ``per_address``.
    """

    total: int
    per_address: int
    exempt: Callable[[str], bool]


class ConnectionSlot:
    """The slot of one open connection; its last owner releases it."""

    def __init__(self, connections: "Connections", site: str, cut: Callable[[], None]) -> None:
        self._connections = connections
        self.site = site
        self.cut = cut

    def busy(self) -> None:
        """Mark the connection as active: it no longer gives way."""
        self._connections.set_waiting(self, waits=False)

    def idle(self) -> None:
        """Mark the connection as waiting for its next request."""
        self._connections.set_waiting(self, waits=True)

    def release(self) -> None:
        """Release the slot of a closed connection; further calls do nothing."""
        self._connections.release(self)


class Connections:
    """Counts the open connections and enforces their bounds.

    Args:
        bounds: the bounds of open connections.
        report: called with the label of each connection that is refused or gives way.

    Attributes:
        waiting: the connections that may give way, the longest waiting first.
    """

    def __init__(self, bounds: ConnectionBounds, report: Callable[[str], None]) -> None:
        self._bounds = bounds
        self._report = report
        self._open: set[ConnectionSlot] = set()
        self._by_site: Counter[str] = Counter()
        self.waiting: OrderedDict[ConnectionSlot, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def open(self, address: str, cut: Callable[[], None]) -> ConnectionSlot | Refusal:
        """Return a slot for a new connection, or the reason to refuse it.

        Args:
            address: its client address.
            cut: aborts it when it has to give way.
        """
        site = "" if self._bounds.exempt(address) else site_of(address)
        refusal = self._refusal(site)
        if refusal is not None:
            self._report(refusal)
            return refusal
        slot = ConnectionSlot(self, site, cut)
        self._open.add(slot)
        self._by_site[site] += 1
        slot.idle()
        return slot

    def _refusal(self, site: str) -> Refusal | None:
        if site and self._by_site[site] >= self._bounds.per_address:
            return Refusal.ADDRESS
        if len(self._open) < self._bounds.total:
            return None
        if not self.waiting:
            return Refusal.FULL
        oldest = next(iter(self.waiting))
        self.release(oldest)
        self._report("gave_way")
        oldest.cut()
        return None

    def set_waiting(self, slot: ConnectionSlot, *, waits: bool) -> None:
        """Record whether an open connection waits for a request, from now on."""
        self.waiting.pop(slot, None)
        if waits and slot in self._open:
            self.waiting[slot] = None

    def release(self, slot: ConnectionSlot) -> None:
        """Remove a connection."""
        if slot not in self._open:
            return
        self._open.remove(slot)
        self.waiting.pop(slot, None)
        self._by_site[slot.site] -= 1
        if not self._by_site[slot.site]:
            del self._by_site[slot.site]


def site_of(address: str) -> str:
    """Return the IPv4 address, or the IPv6 /64 network, of an address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, _IPV6_SITE_BITS), strict=False))
    return str(parsed)
