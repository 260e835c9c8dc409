"""Supervision of background work: no task fails without a log line, a count and a restart.

``Supervisor`` runs services (restarted with back-off, shown by ``/ready`` while they are down)
and watches tasks that run once. It also reports unreadable stored items, which could otherwise
stop background work without a trace.
"""

import asyncio
import random
import sqlite3
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

STEADY_SECONDS = 5.0
"""After this running time, a restarted service counts as up, and its back-off is reset."""

_MOST_CAUSES = 5
_MOST_FRAMES = 12

Result = TypeVar("Result")
Count = Callable[[str], None]
Service = asyncio.Task[None]
Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: random between 0 and a bound that doubles (full jitter).

    Attributes:
        first: bound of the first pause, in seconds.
        longest: bound of every pause, in seconds.
        dice: returns a random number in ``[0, 1)``.
    """

    first: float = 0.5
    longest: float = 30.0
    dice: Callable[[], float] = random.random

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after this many consecutive failures (at least 1)."""
        return self.dice() * min(self.first * 2.0 ** min(failures - 1, 30), self.longest)


@dataclass(slots=True, eq=False)
class _State:
    """A service: its consecutive failures, and its start time (None during a pause)."""

    name: str
    failures: int = 0
    running_since: float | None = None


def _ignore(_: str) -> None:
    """Count nothing."""


class Supervisor:
    """Starts background tasks, reports their failures and restarts services.

    Args:
        count_failure: receives the task's name at each failure; called from any thread.
        count_unreadable: receives the kind of each unreadable item; called from any thread.
        backoff: pauses before restarts.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        count_failure: Count = _ignore,
        count_unreadable: Count = _ignore,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count_failure = count_failure
        self._count_unreadable = count_unreadable
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._services: set[_State] = set()
        self._tasks: set[asyncio.Task[Any]] = set()  # the loop itself holds no strong reference

    @property
    def down(self) -> tuple[str, ...]:
        """Names of the services that failed and have not run steadily since."""
        return tuple(sorted({each.name for each in self._services if self._is_down(each)}))

    def supervised(self, name: str, work: Work) -> Service:
        """Run a service until it returns or its task is cancelled; restart it when it fails.

        Args:
            name: one of a fixed set of names, since it becomes a metric's label.
            work: returns the coroutine; called again for each restart.
        """
        return self._start(self._keep_running(_State(name), work), name)

    def watched(
        self, name: str, work: Coroutine[Any, Any, Result], **facts: object
    ) -> asyncio.Task[Result]:
        """Run a coroutine once in a task; a failure is logged with the facts, and counted.

        The task still raises for a caller that awaits it. It does not affect ``/ready``.
        """
        label = " ".join((name, *map(str, facts.values())))
        task = self._start(work, label)
        task.add_done_callback(partial(self._report_end, name, facts))
        return task

    def failed(self, name: str, error: BaseException, **facts: object) -> None:
        """Log and count a failure of a background task or thread. Thread-safe."""
        log.error("background_task_failed", task=name, **facts, **described(error))
        self._count_failure(name)

    def unreadable(self, kind: str, error: BaseException, **facts: object) -> None:
        """Log and count an unreadable stored item, which is left unchanged. Thread-safe."""
        log.error("item_unreadable", kind=kind, **facts, **described(error))
        self._count_unreadable(kind)

    def loop_failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report an error that no caller handled; the event loop's exception handler."""
        error = context.get("exception") or RuntimeError()
        self.failed("event loop callback", error, happened=str(context.get("message", "")))

    def _start(self, work: Coroutine[Any, Any, Result], label: str) -> asyncio.Task[Result]:
        task = asyncio.create_task(work, name=label)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _keep_running(self, service: _State, work: Work) -> None:
        self._services.add(service)
        try:
            while (error := await self._run_once(service, work)) is not None:
                steady = self._runs_steadily(service)
                service.failures = 1 if steady else service.failures + 1
                service.running_since = None
                self.failed(service.name, error, failures=service.failures)
                await asyncio.sleep(self._backoff.pause(service.failures))
        finally:
            self._services.discard(service)

    async def _run_once(self, service: _State, work: Work) -> BaseException | None:
        """Run the work once; return its error, or None if it completed."""
        service.running_since = self._clock()
        try:
            await work()
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            return error  # something that the work awaited was cancelled, not the service
        except Exception as error:
            if _is_being_cancelled():
                self.failed(service.name, error)
                raise asyncio.CancelledError from error
            return error
        return None

    def _report_end(self, name: str, facts: Mapping[str, object], task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.failed(name, error, **facts)

    def _is_down(self, service: _State) -> bool:
        return service.failures > 0 and not self._runs_steadily(service)

    def _runs_steadily(self, service: _State) -> bool:
        since = service.running_since
        return since is not None and self._clock() - since >= STEADY_SECONDS


async def stop(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended, with any outcome."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)


def described(error: BaseException) -> dict[str, str]:
    """Return the loggable facts of an error: its types and tracebacks.

    Exception messages are left out, since they may contain client data; those of the operating
    system and of SQLite do not, and are included.
    """
    kinds, places = [], []
    for each in _causes(error):
        kinds.append(type(each).__qualname__ + _reason(each))
        frames = traceback.extract_tb(each.__traceback__)[-_MOST_FRAMES:]
        places.append("; ".join(f"{at.filename}:{at.lineno} {at.name}" for at in frames))
    return {"error": " < ".join(kinds), "traceback": " < ".join(places)}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then the first of its group, or its cause or context, and so on."""
    found: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if found is None:
            return
        yield found
        if isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        else:
            found = found.__cause__ or found.__context__


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f" ({error.strerror})"
    return f" ({error})" if isinstance(error, sqlite3.Error) else ""


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
