"""Name look-ups through the system, with a limit of concurrent look-ups per owner."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from vivavoce.delivery.addresses import Address, parsed

THREADS = 32
SHARE = 4
"""Concurrent look-ups per owner, so that unresponsive name servers delay no other owner."""

Found = Sequence[Address | None]


class Resolver(Protocol):
    """Looks up host names."""

    async def addresses(self, host: str, owner: str, patience: float | None, /) -> Found:
        """Return the addresses of ``host`` in order of preference; None for an unusable one.

        Args:
            host: the name.
            owner: name of the API key of the delivery.
            patience: timeout of the look-up in seconds, not counting the wait for a free slot.

        Raises:
            OSError: the host has no address, or no name server is available.
            TimeoutError: the look-up timed out.
        """
        ...


class SystemResolver:
    """Runs ``getaddrinfo`` in a thread pool.

    A name whose servers do not respond occupies a thread until the system's timeout. The same
    name is therefore looked up only once at a time, and an owner never uses more than ``share``
    threads; its further look-ups wait.
    """

    def __init__(self, threads: int = THREADS, share: int = SHARE) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._share = share
        self._asked: dict[str, asyncio.Future[Found]] = {}
        self._turns: dict[str, _Turns] = {}

    async def addresses(self, host: str, owner: str, patience: float | None, /) -> Found:
        """Return the addresses of ``host``; see ``Resolver``."""
        asked = self._asked.get(host) or await self._ask_in_turn(host, owner)
        async with asyncio.timeout(patience):
            return await asyncio.shield(asked)

    @property
    def busy(self) -> bool:
        """Whether any look-up is running or waiting."""
        return bool(self._asked or self._turns)

    def close(self) -> None:
        """Shut down the threads without waiting for running look-ups."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask_in_turn(self, host: str, owner: str) -> asyncio.Future[Found]:
        turns = self._turns.setdefault(owner, _Turns(asyncio.Semaphore(self._share)))
        turns.users += 1
        try:
            await turns.free.acquire()
        except BaseException:
            self._leave(owner)
            raise
        if asked := self._asked.get(host):  # started during the wait
            self._give_back(owner)
            return asked
        asked = asyncio.get_running_loop().run_in_executor(self._threads, look_up, host)
        self._asked[host] = asked
        asked.add_done_callback(partial(self._answered, host, owner))
        return asked

    def _answered(self, host: str, owner: str, asked: asyncio.Future[Found]) -> None:
        """Release the slot once the thread is free, even if the callers timed out earlier."""
        del self._asked[host]
        self._give_back(owner)
        if not asked.cancelled():
            asked.exception()  # retrieved, as all callers may have timed out

    def _give_back(self, owner: str) -> None:
        self._turns[owner].free.release()
        self._leave(owner)

    def _leave(self, owner: str) -> None:
        self._turns[owner].users -= 1
        if not self._turns[owner].users:
            del self._turns[owner]


class _Turns:
    """The slots of one owner, and the number of look-ups that use or wait for one."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self.free = free
        self.users = 0


def look_up(host: str) -> Found:
    """Look up a host through the system, blocking until it responds."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [parsed(str(place[0])) for *_, place in found]
