"""Names to addresses, by way of the system."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from vivavoce.delivery.addresses import Address, parsed

THREADS = 16


class Resolver(Protocol):
    """Looks a host name up."""

    async def addresses(self, host: str) -> Sequence[Address | None]:
        """Every address of ``host``, the one to try first in front; None for one of no use.

        Raises:
            OSError: there is none, or nobody to ask.
        """
        ...


class SystemResolver:
    """``getaddrinfo`` in threads of its own.

    A name whose servers do not answer keeps a thread for as long as the system waits, so the
    same name is looked up only once at a time.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")
        self._asked: dict[str, asyncio.Future[Sequence[Address | None]]] = {}

    async def addresses(self, host: str) -> Sequence[Address | None]:
        """Every address of ``host``; see ``Resolver``."""
        asked = self._asked.get(host)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, look_up, host)
            self._asked[host] = asked
            asked.add_done_callback(partial(self._answered, host))
        return await asyncio.shield(asked)

    def close(self) -> None:
        """Give the threads back without waiting for answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answered(self, host: str, asked: asyncio.Future[Sequence[Address | None]]) -> None:
        del self._asked[host]
        if not asked.cancelled():
            asked.exception()  # whoever waited has it; nobody may have waited that long


def look_up(host: str) -> Sequence[Address | None]:
    """Ask the system, waiting for the answer."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [parsed(str(place[0])) for *_, place in found]
