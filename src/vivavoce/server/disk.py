"""A reserve of disk space: below it, new sessions are refused.

Running sessions need the remaining space for arriving audio, and for the recording that is written
at their end. Their audio is refused only once the disk is full.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from vivavoce.protocol.errors import ApiError
from vivavoce.session.ports import Clock

FRESH_SECONDS = 1.0
"""Age up to which a measurement is reused."""

RETRY_SECONDS = 60
MEBIBYTE = 1 << 20

log = structlog.get_logger(__name__)


def free_bytes(folder: Path) -> int:
    """Return the bytes that this process may still write to the disk of a folder.

    Raises:
        OSError: the file system cannot be queried.
    """
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class DiskReserve:
    """Monitors the free space on the disk of the data folder.

    Args:
        folder: the data folder.
        reserve: bytes below which new sessions are refused; 0 refuses none.
        monotonic: seconds of a monotonic clock.
        measure: returns the free bytes; called in a thread, at most once a second.

    Attributes:
        free: free bytes at the last measurement.
    """

    def __init__(
        self,
        folder: Path,
        reserve: int,
        monotonic: Clock,
        measure: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = folder
        self._reserve = reserve
        self._monotonic = monotonic
        self._measure = measure
        self._measured_at = float("-inf")
        self._low = False
        self.free = 0

    async def refresh(self) -> None:
        """Measure the free space, unless the last measurement is less than a second old."""
        now = self._monotonic()
        if now - self._measured_at < FRESH_SECONDS:
            return
        self._measured_at = now
        try:
            self.free = await asyncio.to_thread(self._measure, self._folder)
        except OSError as error:
            # Broken storage is reported by the components that write to it.
            log.warning("disk_measurement_failed", error=str(error))
            return
        if self._low != (self.free < self._reserve):
            self._low = not self._low
            facts = {"free_mib": self.free // MEBIBYTE, "reserve_mib": self._reserve // MEBIBYTE}
            tell = log.warning if self._low else log.info
            tell("disk_reserve_reached" if self._low else "disk_reserve_restored", **facts)

    async def check(self) -> None:
        """Check that a new session may start.

        Raises:
            ApiError: 503 if less than the reserve is free.
        """
        await self.refresh()
        if self._low:
            raise ApiError(
                503,
                f"the server's disk is nearly full: less than {self._reserve // MEBIBYTE} MiB is "
                "free, which is kept for the sessions that run",
                retry_after=RETRY_SECONDS,
            )
