"""Logs refused handshakes, few lines however many there are."""

from collections.abc import Callable

import structlog

REFUSAL_LOG_SECONDS = 10.0
"""At most one line in this time; it counts those that had none."""

_log = structlog.get_logger(__name__)


class RefusalLog:
    """One line for the first refusal, and one at a time for those that follow.

    Args:
        write: writes a line: an event and its values.
    """

    def __init__(self, write: Callable[..., None] = _log.info) -> None:
        self._write = write
        self._next = float("-inf")
        self._unwritten = 0

    def note(self, now: float, status: int, client: tuple[str, int] | None) -> None:
        """Note a refused handshake."""
        if now < self._next:
            self._unwritten += 1
            return
        self._next = now + REFUSAL_LOG_SECONDS
        address = client[0] if client else "unknown"
        skipped, self._unwritten = self._unwritten, 0
        self._write("handshake_refused", status=status, client=address, not_logged_before=skipped)
