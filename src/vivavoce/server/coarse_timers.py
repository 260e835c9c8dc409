"""Timers of many sessions that share a few turns of the event loop."""

import asyncio
from collections.abc import Callable
from typing import Final

STEP_SECONDS: Final = 0.02
"""How much later than asked a timer may fire: by at most one step."""


class CoarseTimer:
    """One callback to come."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Never call back."""
        self._callback = None

    def fire(self) -> None:
        """Call back, unless cancelled."""
        if self._callback is not None:
            self._callback()


class CoarseTimers:
    """Rounds instants up to steps, and wakes the loop once for all timers of one step.

    The loop is the one of the first call. A turn of it costs more than what most of these timers
    do. An idle instance costs nothing.
    """

    def __init__(self) -> None:
        self._steps: dict[int, list[CoarseTimer]] = {}
        self._wake: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def call_later(self, delay: float, callback: Callable[[], object]) -> CoarseTimer:
        """Call back after ``delay`` seconds or up to a step later."""
        # To tell which loop is running takes a system call each time.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        step = int((loop.time() + delay) / STEP_SECONDS) + 1
        timer = CoarseTimer(callback)
        timers = self._steps.get(step)
        if timers is not None:
            timers.append(timer)
            return timer
        self._steps[step] = [timer]
        if step == min(self._steps):
            self._wake_at(step, loop)
        return timer

    def _wake_at(self, step: int, loop: asyncio.AbstractEventLoop) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = loop.call_at(step * STEP_SECONDS, self._fire, loop)

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand what is due to the loop, which reports the errors of each callback by itself."""
        self._wake = None
        due = int(loop.time() / STEP_SECONDS + 0.01)  # loops wake up to a millisecond early
        for step in sorted(step for step in self._steps if step <= due):
            for timer in self._steps.pop(step):
                loop.call_soon(timer.fire)
        if self._steps:
            self._wake_at(min(self._steps), loop)
