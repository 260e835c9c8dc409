"""Logs refused handshakes at a bounded rate."""

from collections.abc import Callable

import structlog

REFUSAL_LOG_SECONDS = 10.0
"""Minimum interval of log lines; each counts the refusals not logged since the previous one."""

_log = structlog.get_logger(__name__)


class RefusalLog:
    """Logs the first refusal, then at most one line per ``REFUSAL_LOG_SECONDS``.

    Args:
        write: writes a log line: an event and its values.
    """

    def __init__(self, write: Callable[..., None] = _log.info) -> None:
        self._write = write
        self._next = float("-inf")
        self._unwritten = 0

    def note(self, now: float, status: int, client: tuple[str, int] | None) -> None:
        """Count a refused handshake, and log it if a line is due."""
        if now < self._next:
            self._unwritten += 1
            return
        self._next = now + REFUSAL_LOG_SECONDS
        address = client[0] if client else "unknown"
        skipped, self._unwritten = self._unwritten, 0
        self._write("handshake_refused", status=status, client=address, not_logged_before=skipped)
