"""An event loop in which nothing happens by chance: one thread, a clock of its own, and dice.

Work for threads is done on the spot. The journal's writer takes its turns between the steps of the
loop, when the dice say so or nobody else has anything to do. The same seed gives the same run.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple, Unpack
from unittest.mock import patch

from vivavoce.journal import commits
from vivavoce.journal.writer import Writer

EAGERNESS = 0.15
"""How likely the writer has its turn after a step of the loop."""


Result = TypeVar("Result")
Ts = TypeVarTuple("Ts")


class StuckError(Exception):
    """Everybody waits for somebody."""


class Steps(asyncio.SelectorEventLoop):
    """The loop; ``writers`` are those that have their turns in it."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._elapsed = 0.0
        self.writers: list[SteppedWriter] = []
        super().__init__(_Selector(self._pause))

    def time(self) -> float:
        return self._elapsed

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], Result], *args: *Ts
    ) -> asyncio.Future[Result]:
        del executor
        future: asyncio.Future[Result] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  whoever waits for it raises it
            future.set_exception(error)
        return future

    def _write_to_self(self) -> None:
        """Nobody sleeps in the selector."""

    def _pause(self, seconds: float | None) -> None:
        """Between two steps; ``seconds`` until the next one is due, None if none is."""
        busy = [writer for writer in self.writers if writer.busy]
        if seconds == 0:
            if busy and self._dice.random() < EAGERNESS:
                busy[0].turn()
        elif busy:
            busy[0].turn()
        elif seconds is None:
            raise StuckError
        else:
            self._elapsed += seconds


class _Selector(selectors.SelectSelector):
    def __init__(self, pause: Callable[[float | None], None]) -> None:
        super().__init__()
        self._pause = pause

    def select(self, timeout: float | None = None) -> list[Any]:
        self._pause(timeout)
        return []


class SteppedWriter(Writer):
    """The journal's writer, without a thread of its own."""

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Steps)
        self._loop = loop
        loop.writers.append(self)

    def join(self, timeout: float | None = None) -> None:
        del timeout
        self._loop.writers.remove(self)
        self.run()


@contextmanager
def stepped(writer: type[SteppedWriter] = SteppedWriter) -> Iterator[None]:
    """Journals opened meanwhile have their writer in the loop."""
    with patch.object(commits, "Writer", writer):
        yield
