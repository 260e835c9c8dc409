"""Finds what a test leaves behind on its event loop: tasks that still run, and lost exceptions."""

import asyncio
import gc
import traceback
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")

SLOW_SECONDS = 60.0
"""Debug mode logs slower callbacks; a busy machine makes any of them slow."""

PUBLISHED = ("gladiaio_sdk",)
"""Clients of others, driven as their makers publish them; what they leave is theirs."""

TURNS = 10
"""Of the loop, for what was cancelled at the very end to end."""


class LeakedTasksError(AssertionError):
    """A test has ended and tasks that it started have not."""


class LostExceptionsError(AssertionError):
    """Something failed on the event loop and no caller learned of it."""


class LoopWatch:
    """Watches the running loop from its making to ``check``."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.slow_callback_duration = SLOW_SECONDS
        self._loop.set_exception_handler(self._note)
        self._before = asyncio.all_tasks()
        self._lost: list[str] = []

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep texts alone: what is kept of an exception would keep its frames, and their tasks."""
        if _is_of_others(context.get("source_traceback")) or _is_of_a_peer(context):
            return
        what = context.get("exception") or context.get("task") or context.get("future")
        self._lost.append(f"{context['message']}: {what!r}")

    async def check(self) -> None:
        """Fail where something was left behind.

        Raises:
            LeakedTasksError, LostExceptionsError: there was; the text names it.
        """
        for _ in range(TURNS):
            await asyncio.sleep(0)
        leaked = asyncio.all_tasks() - self._before - {asyncio.current_task()}
        names = sorted(f"{task.get_name()}: {task.get_coro()!r}" for task in leaked)
        del leaked
        gc.collect()  # an exception counts as lost when its task is freed
        await asyncio.sleep(0)
        if names:
            raise LeakedTasksError("these tasks still run: " + "; ".join(names))
        if self._lost:
            raise LostExceptionsError("; ".join(self._lost))


def _is_of_others(made: Iterable[traceback.FrameSummary] | None) -> bool:
    """Whether a published client made a task, by what debug mode says of its making."""
    return any(name in frame.filename for frame in made or () for name in PUBLISHED)


def _is_of_a_peer(context: dict[str, Any]) -> bool:
    """Whether a peer hung up while a test's own server shook hands with it."""
    incoming = str(context.get("message", "")).startswith(
        "Error on transport creation for incoming"
    )
    return incoming and isinstance(context.get("exception"), OSError)


async def watched(story: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on a watched loop, and check the loop once it has ended well."""
    watch = LoopWatch()
    result = await story
    await watch.check()
    return result


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """Do as ``asyncio.run`` does, watched and in debug mode: for tests that are not async."""
    return asyncio.run(watched(story), debug=True)
