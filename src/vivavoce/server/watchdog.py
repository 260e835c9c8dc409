"""Detects stalls of the event loop, with their duration and cause.

A thread schedules a callback on the loop, and measures its delay and the CPU time that the loop's
thread used meanwhile: a loop that is late without using CPU time was not scheduled by the
operating system. While the callback is late, the thread samples the stack of the loop's thread
once, for the log. Garbage collections stop every thread and are timed separately.
"""

import asyncio
import gc
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import structlog

log = structlog.get_logger(__name__)

PERIOD_SECONDS = 0.1
"""Interval of probes: ten a second take some 3 ms of a core per second, fifty took 14 ms."""

LATE_SECONDS = 0.005
"""Delay of a probe after which the stack of the loop's thread is sampled."""

WORTH_A_LINE = 0.05
"""Stalls of at least this many seconds are logged, at most one in ``QUIET_SECONDS``."""

QUIET_SECONDS = 10.0
DEEPEST = 6

Observe = Callable[[float], None]


class Watchdog:
    """A context manager that watches the running event loop from a thread.

    Args:
        late: receives the delay of each probe, in seconds.
        busy: receives the CPU seconds that the loop's thread used during each probe.
        collected: receives the duration of each garbage collection, in seconds.
        failed: receives exceptions of the thread, which continues.

    Attributes:
        worst: the most CPU time used during a probe so far, in seconds.
        culprit: the stack of the loop's thread then, innermost call first; "" if it was not late.
    """

    def __init__(
        self,
        late: Observe,
        busy: Observe,
        collected: Observe,
        failed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._failed = failed
        self._late = late
        self._busy = busy
        self._collected = collected
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._logged = -QUIET_SECONDS
        self._collecting = 0.0
        self.worst = 0.0
        self.culprit = ""

    async def __aenter__(self) -> Self:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._clock = _processor_clock(self._watched)
        gc.callbacks.append(self._time_collection)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the thread."""
        self._over.set()
        gc.callbacks.remove(self._time_collection)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not (self._over.wait(PERIOD_SECONDS) or self._loop.is_closed()):
            try:
                self._ask()
            except Exception as error:  # noqa: BLE001  a failed probe must not end the thread
                self._failed(error)

    def _ask(self) -> None:
        """Measure the delay of the loop once."""
        answered = threading.Event()
        asked, used = time.monotonic(), self._clock()
        with suppress(RuntimeError):  # the loop was closed
            self._loop.call_soon_threadsafe(answered.set)
        culprit = "" if answered.wait(LATE_SECONDS) else self._look()
        while not answered.wait(1.0):
            if self._over.is_set() or self._loop.is_closed():
                return
        self._note(time.monotonic() - asked, self._clock() - used, culprit)

    def _look(self) -> str:
        """Return the current stack of the loop's thread, innermost call first."""
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  the documented way
        calls = traceback.extract_stack(frame)[-DEEPEST:]
        return " < ".join(f"{call.name} ({call.filename}:{call.lineno})" for call in calls[::-1])

    def _note(self, late: float, busy: float, culprit: str) -> None:
        self._late(late)
        self._busy(busy)
        if busy > self.worst:
            self.worst, self.culprit = busy, culprit
        now = time.monotonic()
        if busy >= WORTH_A_LINE and now - self._logged >= QUIET_SECONDS:
            self._logged = now
            log.warning("event_loop_stalled", seconds=round(busy, 3), doing=culprit)

    def _time_collection(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.monotonic()
        else:
            self._collected(time.monotonic() - self._collecting)


def _processor_clock(thread: int) -> Callable[[], float]:
    """Return a clock of a thread's CPU seconds; of wall time if the system has no such clock."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)
