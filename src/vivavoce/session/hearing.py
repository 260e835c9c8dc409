"""One thread runs VAD for all sessions and returns results to the event loop in batches.

A thread switch and a wake-up of the loop for every chunk of every session would cost more than
processing the chunk. Work that arrives while the thread is busy is queued, and its results share
the next callback. A session gets all audio accumulated meanwhile in one block, so that blocks grow
with the load.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

from vivavoce.session.ports import Clock

TURN_SECONDS = 0.002
"""Maximum seconds of a batch, so that the first results do not wait for the last."""

Result = TypeVar("Result")
_Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]
_Found = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Hearing:
    """Run work outside the event loop, sequentially and in order of submission.

    Args:
        executor: provides the thread.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._executor = executor
        self._clock = clock
        self._line: deque[_Work] = deque()
        self._busy = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run the work in the thread and return its result, or raise its exception."""
        future: asyncio.Future[Result] = self._loop.create_future()
        self._line.append((work, future))
        if not self._busy:
            self._begin()
        return await future

    def _begin(self) -> None:
        self._busy = True
        self._executor.submit(self._work_off)

    def _work_off(self) -> None:
        """Run queued work until the queue is empty; called in the thread."""
        over = False
        while not over:
            found = self._work()
            over = not self._line
            with contextlib.suppress(RuntimeError):  # the loop may be closed
                self._loop.call_soon_threadsafe(self._settle, found, over)

    def _work(self) -> list[_Found]:
        found: list[_Found] = []
        until = self._clock() + TURN_SECONDS
        while self._line and self._clock() < until:
            work, future = self._line.popleft()
            try:
                found.append((future, work(), None))
            except BaseException as error:  # noqa: BLE001  the caller of run() raises it
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
            if self._line:  # queued after the thread's last check
                self._begin()
