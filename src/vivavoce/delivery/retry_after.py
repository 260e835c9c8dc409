"""The ``Retry-After`` of an answer: how long an endpoint asks to be left alone."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_SECONDS = 24 * 3600.0
"""A longer wait is cut to this, so that a mistake of an endpoint does not silence it for good."""

_SECONDS = re.compile(r"[0-9]{1,18}")
MAX_CHARACTERS = 64


def retry_after(text: str, now: float) -> float | None:
    """Seconds from ``now``, a Unix time, that a header asks for; None if it says nothing."""
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
        return None  # a header of the other side's making
    return min(max(seconds, 0.0), MAX_SECONDS)
