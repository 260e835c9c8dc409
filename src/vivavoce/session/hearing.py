"""One thread hears for all sessions, and brings what it found to the event loop in one go.

A thread switch and a wake-up of the loop for every chunk of every session cost more than hearing
it. What comes while the thread is busy waits in line and shares the next way back; a session
whose audio piles up meanwhile is handed it in one piece, so that blocks grow with the load.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

from vivavoce.session.ports import Clock

TURN_SECONDS = 0.002
"""After so long what was found is handed over: the first in line do not wait for the last."""

Result = TypeVar("Result")
_Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]
_Found = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Hearing:
    """Runs work off the event loop that made it, one after the other in the order it came.

    Args:
        executor: has the thread.
        clock: never goes back.
    """

    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._executor = executor
        self._clock = clock
        self._line: deque[_Work] = deque()
        self._busy = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """What the work returns or raises."""
        future: asyncio.Future[Result] = self._loop.create_future()
        self._line.append((work, future))
        if not self._busy:
            self._begin()
        return await future

    def _begin(self) -> None:
        self._busy = True
        self._executor.submit(self._work_off)

    def _work_off(self) -> None:
        """In the thread: work until the line is empty."""
        over = False
        while not over:
            found = self._work()
            over = not self._line
            with contextlib.suppress(RuntimeError):  # a loop that was closed is told nothing
                self._loop.call_soon_threadsafe(self._settle, found, over)

    def _work(self) -> list[_Found]:
        found: list[_Found] = []
        until = self._clock() + TURN_SECONDS
        while self._line and self._clock() < until:
            work, future = self._line.popleft()
            try:
                found.append((future, work(), None))
            except BaseException as error:  # noqa: BLE001  whoever waits for it raises it
                found.append((future, None, error))
        return found

    def _settle(self, found: Sequence[_Found], over: bool) -> None:  # noqa: FBT001  a callback
        for future, result, error in found:
            if future.done():
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)
        if over:
            self._busy = False
            if self._line:  # it came after the thread had looked
                self._begin()
