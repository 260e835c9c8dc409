"""Parsing of the ``Retry-After`` header: the wait that an endpoint asks for."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_SECONDS = 24 * 3600.0
"""Longer waits are capped, so that an endpoint's mistake does not stop its deliveries."""

_SECONDS = re.compile(r"[0-9]{1,18}")
MAX_CHARACTERS = 64


def retry_after(text: str, now: float) -> float | None:
    """Return the wait in seconds from ``now`` (Unix time); None if the header is invalid."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_SECONDS)
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        moment = parsedate_to_datetime(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = zoned.timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None  # not a valid date
    return min(max(seconds, 0.0), MAX_SECONDS)
