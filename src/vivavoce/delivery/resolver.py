"""Names to addresses, by way of the system, with a share of the look-ups for each owner."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from vivavoce.delivery.addresses import Address, parsed

THREADS = 32
SHARE = 4
"""Look-ups of one owner at once: names that nobody answers for hold up no other owner."""

Found = Sequence[Address | None]


class Resolver(Protocol):
    """Looks a host name up."""

    async def addresses(self, host: str, owner: str, patience: float | None, /) -> Found:
        """Every address of ``host``, the one to try first in front; None for one of no use.

        Args:
            host: the name.
            owner: whose delivery asks.
            patience: seconds to wait for the answer, not counting the wait for a turn.

        Raises:
            OSError: there is none, or no name server to ask.
            TimeoutError: no answer in time.
        """
        ...


class SystemResolver:
    """``getaddrinfo`` in threads of its own.

    A name whose servers do not answer keeps a thread for as long as the system waits, so the
    same name is looked up only once at a time, and an owner never has more than its share of the
    threads; its further names wait their turn.
    """

    def __init__(self, threads: int = THREADS, share: int = SHARE) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._share = share
        self._asked: dict[str, asyncio.Future[Found]] = {}
        self._turns: dict[str, _Turns] = {}

    async def addresses(self, host: str, owner: str, patience: float | None, /) -> Found:
        """Every address of ``host``; see ``Resolver``."""
        asked = self._asked.get(host) or await self._ask_in_turn(host, owner)
        async with asyncio.timeout(patience):
            return await asyncio.shield(asked)

    @property
    def busy(self) -> bool:
        """Whether any look-up is under way or waits for its turn."""
        return bool(self._asked or self._turns)

    def close(self) -> None:
        """Give the threads back without waiting for answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask_in_turn(self, host: str, owner: str) -> asyncio.Future[Found]:
        turns = self._turns.setdefault(owner, _Turns(asyncio.Semaphore(self._share)))
        turns.users += 1
        try:
            await turns.free.acquire()
        except BaseException:
            self._leave(owner)
            raise
        if asked := self._asked.get(host):  # since it began to wait
            self._give_back(owner)
            return asked
        asked = asyncio.get_running_loop().run_in_executor(self._threads, look_up, host)
        self._asked[host] = asked
        asked.add_done_callback(partial(self._answered, host, owner))
        return asked

    def _answered(self, host: str, owner: str, asked: asyncio.Future[Found]) -> None:
        """The thread is free again; only now, however long its callers had waited."""
        del self._asked[host]
        self._give_back(owner)
        if not asked.cancelled():
            asked.exception()  # its callers have it, if they have waited that long

    def _give_back(self, owner: str) -> None:
        self._turns[owner].free.release()
        self._leave(owner)

    def _leave(self, owner: str) -> None:
        self._turns[owner].users -= 1
        if not self._turns[owner].users:
            del self._turns[owner]


class _Turns:
    """The turns of one owner, and how many use or wait for one."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self.free = free
        self.users = 0


def look_up(host: str) -> Found:
    """Ask the system, waiting for the answer."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [parsed(str(place[0])) for *_, place in found]
