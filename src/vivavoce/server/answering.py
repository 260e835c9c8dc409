"""What a connection owes its client: an answer for each frame, in the order of the frames.

Each leaves when it is true and those before it have left. That takes a task only where the client
reads too slowly; as a rule an answer leaves in the call that makes it true.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

from vivavoce.protocol.messages import Message


@dataclass(slots=True, eq=False)
class Owed:
    """A place in the line.

    Attributes:
        size: bytes of the frame that is to be answered.
        message: the answer, once it is true.
        error: why there will be none.
    """

    size: int
    message: Message | None = None
    error: BaseException | None = None

    @property
    def settled(self) -> bool:
        """Whether it is known what becomes of it."""
        return self.message is not None or self.error is not None


class Answering:
    """The line of answers.

    Args:
        tell_now: tells a message without waiting; False where it would have to wait.
        tell: tells one, and waits as long as it takes.
        count: is told of every answer that is owed (1) and settled (-1).

    Attributes:
        unsettled_bytes: in frames whose answers are not true yet.
        at_work: tasks that make answers.
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
        self._busy = True  # until it runs, and while one that had to wait is told
        self._stuck = asyncio.Event()
        self._moved = asyncio.Event()
        self._failure: BaseException | None = None
        self.unsettled_bytes = 0
        self.at_work: set[asyncio.Task[Message]] = set()

    def __len__(self) -> int:
        """Answers that have not been told."""
        return len(self._line)

    def owe(self, size: int) -> Owed:
        """Take the next place in the line."""
        owed = Owed(size)
        self._line.append(owed)
        self._unsettled += 1
        self.unsettled_bytes += size
        self._count(1)
        return owed

    def settle(self, owed: Owed, message: Message) -> None:
        """An answer has become true."""
        owed.message = message
        self._settled(owed)

    def settle_by(self, owed: Owed, work: Coroutine[Any, Any, Message]) -> None:
        """An answer takes some work, which a task does."""
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
        """There will be no answer, and none after it: whoever runs the line raises this."""
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
        """Tell what cannot be told at once; raises what an answer failed with."""
        try:
            while True:
                await self._tell_line()
                self._busy = False
                self._stuck.clear()
                await self._stuck.wait()
                self._busy = True
        finally:
            self._busy = True  # nobody is left to be told

    async def _tell_line(self) -> None:
        while self._line and self._line[0].settled:
            owed = self._line[0]
            if owed.message is None:
                raise owed.error or AssertionError("an answer is neither true nor failed")
            await self._tell(owed.message)
            self._line.popleft()
            self._moved.set()

    async def moved(self) -> None:
        """Wait until an answer has been settled or told."""
        self._moved.clear()
        await self._moved.wait()

    async def settled(self) -> None:
        """Wait until it is known what becomes of every answer; raises what one failed with."""
        while self._unsettled:
            await self.moved()
        if self._failure is not None:
            raise self._failure
