"""Instants as the wire writes them: ISO 8601, UTC, milliseconds, ``Z``."""

from datetime import UTC, datetime


def iso(unix_seconds: float) -> str:
    """``2026-11-21T08:00:00.101Z`` for a Unix time."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
