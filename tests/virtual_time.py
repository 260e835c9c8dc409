"""An event loop on which days pass in no time: sleepers are woken once nobody else runs."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from loop_watch import watched

Result = TypeVar("Result")

INSTANT = 1e-6
"""Time passes a little even while somebody runs, as it does on every real machine."""


class _Selector(selectors.SelectSelector):
    """Does not wait; says how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits for somebody else")
        self.waited += max(timeout, INSTANT)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is Unix time, begins in 2023, and passes only while everybody sleeps."""

    def __init__(self) -> None:
        self._instant = _Selector()
        super().__init__(self._instant)

    def run_in_executor(  # type: ignore[override]  # its own type needs 3.12
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        """Work of threads is done at once, for no time may pass meanwhile."""
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  whoever awaits it raises it
            done.set_exception(error)
        return done

    def time(self) -> float:
        return 1_700_000_000.0 + self._instant.waited


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own, which must have nothing left to do."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(watched(story))
