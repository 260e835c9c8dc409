"""Shares the event loop's turns among new requests and connections that are open.

An event loop handles all sockets that are ready before it looks again. Where hundreds of requests
or handshakes arrive at once, everything else would wait for all of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable

REQUESTS_PER_TURN = 8
"""Requests begun in one turn of the event loop: some milliseconds of work."""


class RequestTurns:
    """Runs work in the order in which it came, a bounded number of pieces in each turn."""

    def __init__(self, per_turn: int = REQUESTS_PER_TURN) -> None:
        self._per_turn = per_turn
        self._waiting: deque[Callable[[], None]] = deque()

    def add(self, work: Callable[[], None]) -> None:
        """Run work in this turn of the event loop or in one of the next."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        self._waiting.append(work)

    def _run(self) -> None:
        due = [self._waiting.popleft() for _ in range(min(self._per_turn, len(self._waiting)))]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        for work in due:
            work()
