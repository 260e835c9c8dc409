"""Limits the requests begun in one iteration of the event loop.

An event loop handles all ready sockets before it polls again. If hundreds of requests or
handshakes arrive at once, all other connections would wait for all of them.
"""

import asyncio
from collections import deque
from collections.abc import Callable

REQUESTS_PER_TURN = 8
"""Requests begun in one iteration of the event loop: some milliseconds of work."""


class RequestTurns:
    """Runs work in order of arrival, a bounded number of items per iteration of the loop."""

    def __init__(self, per_turn: int = REQUESTS_PER_TURN) -> None:
        self._per_turn = per_turn
        self._waiting: deque[Callable[[], None]] = deque()

    def add(self, work: Callable[[], None]) -> None:
        """Schedule work for one of the next iterations of the event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        self._waiting.append(work)

    def _run(self) -> None:
        due = [self._waiting.popleft() for _ in range(min(self._per_turn, len(self._waiting)))]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        for work in due:
            work()
