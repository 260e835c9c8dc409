"""The event loop's side of the writer: a bounded commit queue, and its outcomes.

Callers are served in the order of their calls. Work beyond the bound waits in the queue. While
the journal refuses work, calls fail at once, and a probe is sent at intervals.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vivavoce.journal.changes import Change
from vivavoce.journal.port import JournalError, UnavailableError
from vivavoce.journal.schema import Connect
from vivavoce.journal.store import Action, Store
from vivavoce.journal.sweeper import Sweeper
from vivavoce.journal.writer import Condition, Kind, Outcome, Work, Writer


class Commits:
    """Submits work to the writer's thread and resolves the futures of its callers.

    Args:
        path: the journal's file, already prepared.
        connect: opens connections to it.
        gather: seconds that a group waits for further work.
        limit: bytes that the writer may hold at a time.
        probe_interval: seconds between probes while the journal refuses.
        changed: receives the changes of each commit, before its callers are resolved.
        broken: called when the journal can write nothing more.
        took: receives the duration of each group in seconds.
        failed: receives errors of ``changed`` and of the writer; called from any thread.
    """

    def __init__(  # noqa: PLR0913  keyword-only seams of one adapter
        self,
        *,
        path: Path,
        connect: Connect,
        gather: float,
        limit: int,
        probe_interval: float,
        changed: Callable[[Sequence[Change]], None],
        broken: Callable[[JournalError], None],
        took: Callable[[float], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._probe_interval = probe_interval
        self._changed = changed
        self._broken = broken
        self._took = took
        self._failed = failed
        self._line: deque[Work] = deque()
        self._inside = 0
        self._condition = Condition.WRITING
        self._cause: Exception | None = None
        self._probe: asyncio.TimerHandle | None = None
        self._closed = False
        store = Store(path, connect(path))
        self._writer = Writer(store, Sweeper(connect(path)), self._settle_soon, gather, failed)
        self._writer.start()

    @property
    def failure(self) -> UnavailableError | None:
        """The reason why new audio is currently refused; None if it is accepted."""
        if self._closed:
            return UnavailableError("the journal is closed")
        if self._condition is Condition.WRITING:
            return None
        failure = UnavailableError(f"the journal cannot write: {self._cause}")
        failure.__cause__ = self._cause
        return failure

    def submit(self, action: Action, kind: Kind, size: int = 0) -> asyncio.Future[Any]:
        """Submit an action; the future resolves to its result once that is durable.

        A caller that is cancelled does not learn whether the action was carried out.

        Raises (by the future):
            JournalError: raised by the action, or ``UnavailableError``.
        """
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self._closed or not self._takes(kind):
            answer.set_exception(self.failure or UnavailableError("the journal is closed"))
            return answer
        self._line.append(Work(action, kind, size, answer))
        self._advance()
        return answer

    async def close(self) -> None:
        """Write all submitted work, then end the thread."""
        self._closed = True
        if self._probe is not None:
            self._probe.cancel()
        while self._line:
            await asyncio.wait([work.future for work in self._line])
        self._writer.stop()
        await asyncio.to_thread(self._writer.join)

    def _takes(self, kind: Kind) -> bool:
        if self._condition is Condition.REFUSING:
            return kind is not Kind.ADDITION
        return self._condition is Condition.WRITING

    def _advance(self) -> None:
        """Pass work to the writer within the bound; work larger than the bound is passed alone."""
        while self._line:
            work = self._line[0]
            if self._inside and self._inside + work.size > self._limit:
                return
            self._line.popleft()
            if not work.future.cancelled():
                self._inside += work.size
                self._writer.put(work)

    def _settle_soon(self, outcome: Outcome) -> None:
        # If the loop was closed before the journal, no caller is left to notify.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: Outcome) -> None:
        self._turn(outcome)
        try:
            if outcome.works:
                self._took(outcome.seconds)
            self._changed(outcome.changes)
        except Exception as error:  # noqa: BLE001  the callers of this commit must be resolved
            self._failed(error)
        for work, result in zip(outcome.works, outcome.results, strict=True):
            self._inside -= work.size
            _resolve(work.future, result)
        self._advance()

    def _turn(self, outcome: Outcome) -> None:
        """Follow the writer's condition."""
        was = self._condition
        self._condition, self._cause = outcome.condition, outcome.cause
        if self._condition is Condition.WRITING:
            return
        self._refuse_line()
        if self._condition is Condition.REFUSING:
            self._probe_later()
        elif was is not Condition.BROKEN and (failure := self.failure):
            self._broken(failure)

    def _refuse_line(self) -> None:
        """Refuse the queued work that the writer no longer accepts."""
        line, self._line = self._line, deque()
        for work in line:
            if self._takes(work.kind):
                self._line.append(work)
            else:
                _resolve(work.future, self.failure)

    def _probe_later(self) -> None:
        if self._probe is None and not self._closed:
            self._probe = self._loop.call_later(self._probe_interval, self._send_probe)

    def _send_probe(self) -> None:
        self._probe = None
        self._writer.put(Work(lambda _: None, Kind.PROBE, 0, self._loop.create_future()))


def _resolve(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
