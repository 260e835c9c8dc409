"""Notices when the event loop was kept from its work, for how long and by what.

A thread asks the loop to answer, and looks how late it does and how much of a processor the loop
used until then: a loop that is late without it was not let run by the machine. While it is late,
the thread looks once at what the loop's thread is doing, so that the log can name it. Collections
of garbage stop everything and are timed by themselves.
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
"""Between two questions: ten a second take some 3 ms of a core, fifty took 14."""

LATE_SECONDS = 0.005
"""Nothing may keep the loop longer than this."""

WORTH_A_LINE = 0.05
"""A stall of so many seconds is logged, at most one in ``QUIET_SECONDS``."""

QUIET_SECONDS = 10.0
DEEPEST = 6

Observe = Callable[[float], None]


class Watchdog:
    """Watches the running event loop as a context; the thread ends with it.

    Args:
        late: told the seconds that the loop took to answer each question.
        busy: told the seconds of a processor that it used for itself meanwhile.
        collected: told the seconds that each collection of garbage took.
        failed: receives what goes wrong in the thread, which goes on.

    Attributes:
        worst: the most that the loop has been busy before an answer so far, in seconds.
        culprit: what the loop's thread was doing then, innermost call first; "" for nothing late.
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
        """Begin to watch."""
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._clock = _processor_clock(self._watched)
        gc.callbacks.append(self._time_collection)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Watch no more."""
        self._over.set()
        gc.callbacks.remove(self._time_collection)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not (self._over.wait(PERIOD_SECONDS) or self._loop.is_closed()):
            try:
                self._ask()
            except Exception as error:  # noqa: BLE001  a fault in watching must not end it
                self._failed(error)

    def _ask(self) -> None:
        """Measure once how late the loop answers."""
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
        """What the loop's thread is doing now, innermost call first."""
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
    """A clock of the processor seconds of a thread; of real ones where the system has none."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)
