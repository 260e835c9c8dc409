"""Following what sessions announce, over all of them, in the order of the commits."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

from vivavoce.journal.changes import Change
from vivavoce.journal.port import Announced, JournalError

BLOCK = 256
BLOCK_BYTES = 1024 * 1024

Read = Callable[[int, int, int], Awaitable[Sequence[Announced]]]
"""Reads announcements above a number: at most so many, and about so many bytes."""


class Outlet:
    """Where one reader takes over announcements, in blocks from storage."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._came = asyncio.Event()
        self._failure: JournalError | None = None

    def publish(self, changes: Iterable[Change]) -> None:
        """Hear of commits."""
        if any(change.announced for change in changes):
            self._came.set()

    def fail(self, failure: JournalError) -> None:
        """Nothing will come any more: a reader that has everything raises this."""
        self._failure = failure
        self._came.set()

    async def tail(self, after: int) -> AsyncGenerator[Sequence[Announced], None]:
        """Blocks of announcements above ``after``, then what comes.

        Raises:
            UnavailableError: nothing more can come.
        """
        while True:
            self._came.clear()
            block = await self._read(after, BLOCK, BLOCK_BYTES)
            if block:
                after = block[-1].number
                yield block
            elif self._failure is not None:
                raise self._failure
            else:
                await self._came.wait()
