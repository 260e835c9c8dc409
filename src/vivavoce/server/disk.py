"""A reserve of disk space: with less than it free, new sessions are refused.

The sessions that run need what is left: for audio that is coming in, and for the recording that is
written at their end. They are refused only once the disk is full.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from vivavoce.protocol.errors import ApiError
from vivavoce.session.ports import Clock

FRESH_SECONDS = 1.0
"""A figure no older than this is taken as it is."""

RETRY_SECONDS = 60
MEBIBYTE = 1 << 20

log = structlog.get_logger(__name__)


def free_bytes(folder: Path) -> int:
    """Bytes that this process may still write to the disk of a folder.

    Raises:
        OSError: the folder cannot be looked at.
    """
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class DiskReserve:
    """Watches the disk of the data folder.

    Args:
        folder: the data folder.
        reserve: bytes that new sessions must leave free; 0 refuses none.
        monotonic: seconds of a clock that never goes back.
        measure: gives the free bytes; called in a thread, at most once a second.

    Attributes:
        free: bytes when last measured.
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
        """Measure again, unless that was done within the second."""
        now = self._monotonic()
        if now - self._measured_at < FRESH_SECONDS:
            return
        self._measured_at = now
        try:
            self.free = await asyncio.to_thread(self._measure, self._folder)
        except OSError as error:
            # Storage that is broken is reported where something is stored.
            log.warning("disk_measurement_failed", error=str(error))
            return
        if self._low != (self.free < self._reserve):
            self._low = not self._low
            facts = {"free_mib": self.free // MEBIBYTE, "reserve_mib": self._reserve // MEBIBYTE}
            tell = log.warning if self._low else log.info
            tell("disk_reserve_reached" if self._low else "disk_reserve_restored", **facts)

    async def check(self) -> None:
        """Let a new session in.

        Raises:
            ApiError: 503, when less than the reserve is free.
        """
        await self.refresh()
        if self._low:
            raise ApiError(
                503,
                f"the server's disk is nearly full: less than {self._reserve // MEBIBYTE} MiB is "
                "free, which is kept for the sessions that run",
                retry_after=RETRY_SECONDS,
            )
