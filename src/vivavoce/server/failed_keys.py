"""How answers to wrong API keys are slowed, by the address they come from. No I/O, no clock.

Only failing answers wait: a client with the right key is never held up by a guesser that shares
its address.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from vivavoce.server.addresses import address_of

WINDOW_SECONDS = 60.0
FREE_FAILURES = 20
"""Within the window, of one address; the answers to further ones are delayed."""

DELAY_SECONDS = 1.0

MOST_ADDRESSES = 4096
"""Remembered; beyond it the one unused for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What follows from a wrong key.

    Attributes:
        delay: seconds to wait before it is answered.
        report: failures of the address to log now, those since the last report; 0 for none.
    """

    delay: float
    report: int


@dataclass(slots=True)
class _Record:
    """Failures of one address within a window, and those that no log line has told yet."""

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
        """Note a wrong key from an address."""
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
    """Addresses that one machine may have count as one: an IPv6 network of 64 bits."""
    address = address_of(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return host if address is None else str(address)
