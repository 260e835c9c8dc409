"""The outbox: events of all sessions, read in the order of the commits."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

from vivavoce.journal.changes import Change
from vivavoce.journal.port import Announced, JournalError

BLOCK = 256
BLOCK_BYTES = 1024 * 1024

Read = Callable[[int, int, int], Awaitable[Sequence[Announced]]]
"""Reads outbox events above a number; arguments: number, maximum count, approximate bytes."""


class Outlet:
    """Delivers outbox events to one reader, in blocks from storage."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._came = asyncio.Event()
        self._failure: JournalError | None = None

    def publish(self, changes: Iterable[Change]) -> None:
        """Wake the reader if any of these changes added outbox events."""
        if any(change.announced for change in changes):
            self._came.set()

    def fail(self, failure: JournalError) -> None:
        """End the outbox: a reader that has received everything raises ``failure``."""
        self._failure = failure
        self._came.set()

    async def tail(self, after: int) -> AsyncGenerator[Sequence[Announced], None]:
        """Yield blocks of outbox events above ``after``, then new ones.

        Raises:
            UnavailableError: no more events can arrive.
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
