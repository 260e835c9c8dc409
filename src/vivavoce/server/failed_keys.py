"""Delays the responses to wrong API keys, by client address. No I/O, no clock.

Only failure responses are delayed: a client with the right key is not slowed by an attacker that
shares its address.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from vivavoce.server.addresses import address_of

WINDOW_SECONDS = 60.0
FREE_FAILURES = 20
"""Failures of one address within the window without a delay; later responses are delayed."""

DELAY_SECONDS = 1.0

MOST_ADDRESSES = 4096
"""Maximum of remembered addresses; beyond it the least recently used is dropped."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The consequences of a wrong key.

    Attributes:
        delay: seconds to wait before the response.
        report: failures of the address since the last report, to be logged now; 0 for no report.
    """

    delay: float
    report: int


@dataclass(slots=True)
class _Record:
    """Failures of one address within a window, and those not yet logged."""

    since: float
    count: int = 0
    reported_at: float | None = None
    unreported: int = 0


class FailedKeys:
    """Counts failures by address, in bounded memory."""

    def __init__(self, most_addresses: int = MOST_ADDRESSES) -> None:
        self._most_addresses = most_addresses
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def failed(self, host: str, now: float) -> Failure:
        """Record a wrong key from an address."""
        record = self._record(_group(host), now)
        if now - record.since >= WINDOW_SECONDS:
            record.since, record.count = now, 0
        record.count += 1
        record.unreported += 1
        delay = DELAY_SECONDS if record.count > FREE_FAILURES else 0.0
        if record.reported_at is not None and now - record.reported_at < WINDOW_SECONDS:
            return Failure(delay, 0)
        report, record.reported_at, record.unreported = record.unreported, now, 0
        return Failure(delay, report)

    def __len__(self) -> int:
        return len(self._records)

    def _record(self, group: str, now: float) -> _Record:
        record = self._records.setdefault(group, _Record(now))
        self._records.move_to_end(group)
        if len(self._records) > self._most_addresses:
            self._records.popitem(last=False)
        return record


def _group(host: str) -> str:
    """Return the group of an address: the /64 network for IPv6, which one machine may own."""
    address = address_of(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return host if address is None else str(address)
