"""The queue of answers of a connection: one for each frame, sent in the order of the frames.

An answer is sent once it is resolved and all earlier ones have been sent. A task does this only
while the client reads too slowly; usually an answer is sent in the call that resolves it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

from vivavoce.protocol.messages import Message


@dataclass(slots=True, eq=False)
class Owed:
    """A pending answer.

    Attributes:
        size: bytes of the frame that is to be answered.
        message: the answer, once it is resolved.
        error: the failure that prevents an answer.
    """

    size: int
    message: Message | None = None
    error: BaseException | None = None

    @property
    def settled(self) -> bool:
        """Whether the answer is resolved or has failed."""
        return self.message is not None or self.error is not None


class Answering:
    """An ordered queue of answers.

    Args:
        tell_now: sends a message without waiting; returns False if it would have to wait.
        tell: sends a message, waiting as long as necessary.
        count: called with 1 for each answer that is queued and -1 for each that is settled.

    Attributes:
        unsettled_bytes: bytes of the frames whose answers are not settled.
        at_work: tasks that produce answers.
    """

    def __init__(
        self,
        tell_now: Callable[[Message], bool],
        tell: Callable[[Message], Awaitable[None]],
        count: Callable[[int], None],
    ) -> None:
        self._tell_now = tell_now
        self._tell = tell
        self._count = count
        self._line: deque[Owed] = deque()
        self._unsettled = 0
        self._busy = True  # before `run`, and while it sends a delayed answer
        self._stuck = asyncio.Event()
        self._moved = asyncio.Event()
        self._failure: BaseException | None = None
        self.unsettled_bytes = 0
        self.at_work: set[asyncio.Task[Message]] = set()

    def __len__(self) -> int:
        """Return the number of answers that have not been sent."""
        return len(self._line)

    def owe(self, size: int) -> Owed:
        """Append a pending answer for a frame of ``size`` bytes."""
        owed = Owed(size)
        self._line.append(owed)
        self._unsettled += 1
        self.unsettled_bytes += size
        self._count(1)
        return owed

    def settle(self, owed: Owed, message: Message) -> None:
        """Resolve an answer."""
        owed.message = message
        self._settled(owed)

    def settle_by(self, owed: Owed, work: Coroutine[Any, Any, Message]) -> None:
        """Resolve an answer with the result of a coroutine, which a task runs."""
        task = asyncio.create_task(work, name="answer of a connection")
        self.at_work.add(task)
        task.add_done_callback(lambda task: self._worked(owed, task))

    def _worked(self, owed: Owed, task: asyncio.Task[Message]) -> None:
        self.at_work.discard(task)
        if task.cancelled():
            self.fail(owed, asyncio.CancelledError())
        elif error := task.exception():
            self.fail(owed, error)
        else:
            self.settle(owed, task.result())

    def fail(self, owed: Owed, error: BaseException) -> None:
        """Fail an answer and all later ones; ``run`` and ``settled`` raise the error."""
        owed.error = error
        self._failure = self._failure or error
        self._settled(owed)

    def _settled(self, owed: Owed) -> None:
        self._unsettled -= 1
        self.unsettled_bytes -= owed.size
        self._count(-1)
        if not self._busy and self._line[0] is owed:
            self._tell_settled()
        self._moved.set()

    def _tell_settled(self) -> None:
        while self._line and (message := self._line[0].message) and self._tell_now(message):
            self._line.popleft()
        if self._line and self._line[0].settled:
            self._stuck.set()

    async def run(self) -> NoReturn:
        """Send the answers that could not be sent at once; raises the failure of an answer."""
        try:
            while True:
                await self._tell_line()
                self._busy = False
                self._stuck.clear()
                await self._stuck.wait()
                self._busy = True
        finally:
            self._busy = True  # the connection has ended

    async def _tell_line(self) -> None:
        while self._line and self._line[0].settled:
            owed = self._line[0]
            if owed.message is None:
                raise owed.error or AssertionError("an answer is neither true nor failed")
            await self._tell(owed.message)
            self._line.popleft()
            self._moved.set()

    async def moved(self) -> None:
        """Wait until an answer has been settled or sent."""
        self._moved.clear()
        await self._moved.wait()

    async def settled(self) -> None:
        """Wait until every answer is settled; raises the first failure."""
        while self._unsettled:
            await self.moved()
        if self._failure is not None:
            raise self._failure
