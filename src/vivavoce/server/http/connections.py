"""Open connections: how many there are, from which addresses, and which give way.

No I/O. A connection that waits for a request (none has come yet, or the last one is answered)
holds nothing that a client would miss: where the server is full, the one that has waited longest
gives way to a new one. A connection whose request or WebSocket is under way never does.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

MAX_PER_ADDRESS = 256
"""Default of the setting ``max_connections_per_address``."""

_IPV6_SITE_BITS = 64
"""One site has at least so much of an IPv6 address to itself."""


class Refusal(StrEnum):
    """Why a connection is not taken."""

    FULL = "full"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """How many connections may be open.

    Attributes:
        total: in all.
        per_address: of one IPv4 address or one IPv6 network of 64 bits.
        exempt: whether an address has no bound of its own.
    """

    total: int
    per_address: int
    exempt: Callable[[str], bool]


class ConnectionSlot:
    """The place of one open connection; whoever holds it last releases it."""

    def __init__(self, connections: "Connections", site: str, cut: Callable[[], None]) -> None:
        self._connections = connections
        self.site = site
        self.cut = cut

    def busy(self) -> None:
        """A request is under way: the connection does not give way any more."""
        self._connections.set_waiting(self, waits=False)

    def idle(self) -> None:
        """The connection waits for its next request."""
        self._connections.set_waiting(self, waits=True)

    def release(self) -> None:
        """The connection is closed; a second call does nothing."""
        self._connections.release(self)


class Connections:
    """Counts the open connections and keeps to their bounds.

    Args:
        bounds: how many may be open.
        report: called with the label of each connection that is refused or gives way.

    Attributes:
        waiting: the connections that give way, the one first that has waited longest.
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
        """Take a new connection, or say why not.

        Args:
            address: where it comes from.
            cut: ends it at once, when it has to give way.
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
        """Note whether an open connection waits for a request, and since when."""
        self.waiting.pop(slot, None)
        if waits and slot in self._open:
            self.waiting[slot] = None

    def release(self, slot: ConnectionSlot) -> None:
        """Forget a connection."""
        if slot not in self._open:
            return
        self._open.remove(slot)
        self.waiting.pop(slot, None)
        self._by_site[slot.site] -= 1
        if not self._by_site[slot.site]:
            del self._by_site[slot.site]


def site_of(address: str) -> str:
    """The IPv4 address, or the network of 64 bits, that an address belongs to."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, _IPV6_SITE_BITS), strict=False))
    return str(parsed)
