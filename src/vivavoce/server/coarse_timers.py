"""Timers of many sessions that share few wake-ups of the event loop."""

import asyncio
from collections.abc import Callable
from typing import Final

STEP_SECONDS: Final = 0.02
"""Maximum delay of a timer beyond its requested time."""


class CoarseTimer:
    """One pending callback."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Cancel the callback."""
        self._callback = None

    def fire(self) -> None:
        """Run the callback, unless it is cancelled."""
        if self._callback is not None:
            self._callback()


class CoarseTimers:
    """Rounds times up to steps, and wakes the loop once for all timers of a step.

    The loop is that of the first call. One of its iterations costs more than most of these
    callbacks. An idle instance costs nothing.
    """

    def __init__(self) -> None:
        self._steps: dict[int, list[CoarseTimer]] = {}
        self._wake: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def call_later(self, delay: float, callback: Callable[[], object]) -> CoarseTimer:
        """Run ``callback`` after ``delay`` seconds, or up to one step later."""
        # ``get_running_loop`` makes a system call each time.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        step = int((loop.time() + delay) / STEP_SECONDS) + 1
        timer = CoarseTimer(callback)
        timers = self._steps.setdefault(step, [])
        timers.append(timer)
        if len(timers) == 1 and step == min(self._steps):
            self._wake_at(step, loop)
        return timer

    def _wake_at(self, step: int, loop: asyncio.AbstractEventLoop) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = loop.call_at(step * STEP_SECONDS, self._fire, loop)

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Schedule the due timers on the loop, which reports the error of each separately."""
        self._wake = None
        due = int(loop.time() / STEP_SECONDS + 0.01)  # loops wake up to a millisecond early
        for step in sorted(step for step in self._steps if step <= due):
            for timer in self._steps.pop(step):
                loop.call_soon(timer.fire)
        if self._steps:
            self._wake_at(min(self._steps), loop)
