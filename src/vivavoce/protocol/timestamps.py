"""Instants as the wire writes them: ISO 8601, UTC, milliseconds, ``Z``."""

from datetime import UTC, datetime
from functools import lru_cache


def iso(unix_seconds: float) -> str:
    """``2026-11-21T08:00:00.101Z`` for a Unix time."""
    whole, fraction = divmod(round(unix_seconds * 1e6), 1_000_000)
    return f"{_to_the_second(whole)}.{fraction // 1000:03d}Z"


@lru_cache(maxsize=16)
def _to_the_second(unix_seconds: int) -> str:
    """Most of an instant: thousands of messages are dated within the same second."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat()[:19]
