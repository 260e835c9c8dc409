"""The writer thread: group commit of the work of all sessions, with one sync per group.

A failed group is never retried. If SQLite rolled it back cleanly (disk full, file locked by
another process), the writer refuses new sessions and audio until a probe succeeds; after any
other failure, above all of a sync, it writes nothing more until the process restarts.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from vivavoce.journal.changes import Change
from vivavoce.journal.port import UnavailableError
from vivavoce.journal.store import Action, Store
from vivavoce.journal.sweeper import Sweeper

GROUP_BYTES = 8 * 1024 * 1024
LOG_BYTES = 4 * 1024 * 1024
ERASE_SECONDS = 20.0
"""Minimum interval between two removals of deleted data from the log."""
ERASE_RETRY_SECONDS = 1.0
_COMMIT_BYTES = 16 * 1024  # index, header and neighbour pages that a commit writes besides its data
_SLICE_BYTES = 1024 * 1024

_ROLLED_BACK = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
}


class Condition(Enum):
    """The state of the writer."""

    WRITING = auto()
    REFUSING = auto()
    BROKEN = auto()


class Kind(Enum):
    """The kind of a piece of work, as far as the writer distinguishes it."""

    ADDITION = auto()  # a session, audio or a marker: refused while REFUSING
    CHANGE = auto()
    PROBE = auto()


@dataclass(slots=True, eq=False)  # not frozen, for speed: one is created per chunk
class Work:
    """An action to be carried out, and the future for its result."""

    action: Action
    kind: Kind
    size: int
    future: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a group: a result or an exception for each piece of work."""

    works: Sequence[Work]
    results: Sequence[Any]
    changes: Sequence[Change] = field(default=())
    condition: Condition = Condition.WRITING
    cause: Exception | None = None
    seconds: float = 0.0


class Writer(threading.Thread):
    """Commits work in groups, in the order of ``put``.

    Args:
        store: writes the groups.
        sweeper: frees the space of dropped sessions between groups.
        settle: receives the outcome of each group, in this thread.
        gather: seconds to wait for further work after the first work of a group.
        failed: receives an unexpected error of this thread, which then refuses all work.
    """

    def __init__(
        self,
        store: Store,
        sweeper: Sweeper,
        settle: Callable[[Outcome], None],
        gather: float,
        failed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        super().__init__(name="journal-writer", daemon=True)
        self._store = store
        self._sweeper = sweeper
        self._settle = settle
        self._gather = gather
        self._failed = failed
        self._queue: deque[Work] = deque()
        self._wake = threading.Condition()
        self._waits = False
        self._closing = False
        self._condition = Condition.WRITING
        self._cause: Exception | None = None
        self._untidy = True  # an earlier run may have left data to sweep
        self._unmerged = 0
        self._erase_at = time.monotonic()

    def put(self, work: Work) -> None:
        """Enqueue a piece of work; the lock is taken only if the thread may be waiting."""
        self._queue.append(work)
        if self._waits:
            with self._wake:
                self._wake.notify()

    def stop(self) -> None:
        """End the thread once all enqueued work is done."""
        with self._wake:
            self._closing = True
            self._wake.notify()

    def run(self) -> None:
        """Write until stopped."""
        while self.turn():
            pass
        self._sweeper.close()
        self._store.close()

    @property
    def busy(self) -> bool:
        """Whether ``turn`` has work to do; if not, it waits."""
        return bool(self._queue or self._closing or self._untidy or self._erases(0.0))

    def turn(self) -> bool:
        """Write a group, if there is one, then maintain the files; False at the end."""
        group = self._take()
        if group is None:
            return False
        if group:
            outcome = self._write_or_break(group)
            self._untidy |= any(change.extent is None for change in outcome.changes)
            self._settle(outcome)
        self._look_after_files()
        return True

    def _take(self) -> list[Work] | None:
        """Return the next group; empty if only maintenance is due, None at the end."""
        with self._wake:
            self._waits = True  # set before the check: work put after the check wakes it
            while not self.busy:
                self._wake.wait(self._rest())
            self._waits = False
            if not self._queue:
                return None if self._closing else []
        if self._gather and not self._closing:
            time.sleep(self._gather)
        return self._pop_group()

    def _pop_group(self) -> list[Work]:
        group = [self._queue.popleft()]
        size = group[0].size
        while self._queue and Kind.PROBE not in (group[0].kind, self._queue[0].kind):
            size += self._queue[0].size
            if size > GROUP_BYTES:
                break
            group.append(self._queue.popleft())
        return group

    def _write_or_break(self, group: list[Work]) -> Outcome:
        """Write a group; after an unexpected error nothing more is written."""
        try:
            return self._write(group)
        except Exception as error:  # noqa: BLE001  every caller of the group must be resolved
            self._failed(error)
            self._condition, self._cause = Condition.BROKEN, error
            refusals = [self._refusal() for _ in group]
            return Outcome(group, refusals, (), self._condition, self._cause)

    def _write(self, group: list[Work]) -> Outcome:
        if group[0].kind is Kind.PROBE:
            return self._probe(group)
        works: list[Work] = []
        refused: list[Work] = []
        for work in group:
            (works if self._admits(work) else refused).append(work)
        begun = time.monotonic()
        results, changes = self._store_group(works) if works else ([], [])
        took = time.monotonic() - begun
        results += [self._refusal() for _ in refused]
        return Outcome([*works, *refused], results, changes, self._condition, self._cause, took)

    def _store_group(self, works: Sequence[Work]) -> tuple[list[Any], list[Change]]:
        self._unmerged += sum(work.size for work in works) + _COMMIT_BYTES
        try:
            return self._store.write([work.action for work in works])
        except Exception as error:  # noqa: BLE001 -- no caller may wait indefinitely
            self._fail(error)
            return [self._refusal() for _ in works], []

    def _admits(self, work: Work) -> bool:
        if self._condition is Condition.REFUSING:
            # Also work enqueued before the failure was known: audio must not be stored after
            # an earlier piece of the same session was refused.
            return work.kind is not Kind.ADDITION
        return self._condition is Condition.WRITING

    def _probe(self, group: list[Work]) -> Outcome:
        if self._condition is Condition.REFUSING:
            try:
                self._store.probe()
                self._store.merge()
            except Exception as error:  # noqa: BLE001 -- classified like a failed group
                self._fail(error)
            else:
                self._condition, self._cause = Condition.WRITING, None
                self._untidy = True
        return Outcome(group, [None], (), self._condition, self._cause)

    def _fail(self, error: Exception) -> None:
        """Classify a failure by whether it is certain that none of the group was stored."""
        self._cause = error
        try:
            self._store.undo()
            self._sweeper.undo()
        except sqlite3.Error as worse:
            self._cause = worse
            self._condition = Condition.BROKEN
            return
        code = getattr(error, "sqlite_errorcode", None)
        clean = code is not None and (
            code & 0xFF in _ROLLED_BACK or code == sqlite3.SQLITE_IOERR_SHMSIZE
        )
        self._condition = Condition.REFUSING if clean else Condition.BROKEN

    def _refusal(self) -> UnavailableError:
        refusal = UnavailableError(f"the journal cannot write: {self._cause}")
        refusal.__cause__ = self._cause
        return refusal

    def _erases(self, late: float) -> bool:
        """Whether emptying the log is due and at least ``late`` seconds overdue."""
        traces = self._store.traces and self._condition is Condition.WRITING
        return traces and time.monotonic() >= self._erase_at + late

    def _rest(self) -> float | None:
        """Return the seconds until the log is emptied; None if it holds no deleted data."""
        if not self._store.traces or self._condition is not Condition.WRITING:
            return None
        return max(self._erase_at - time.monotonic(), 0.0)

    def _look_after_files(self) -> None:
        """Sweep a slice, and merge or empty the log when due, after the acknowledgements."""
        if self._condition is not Condition.WRITING:
            self._untidy = False
            return
        try:
            if self._untidy:
                self._untidy = self._sweeper.step()
                self._store.traces |= self._untidy
                self._unmerged += _SLICE_BYTES
            if self._erases(ERASE_SECONDS if self._untidy else 0.0):
                erased = self._store.erase_log()
                self._unmerged = 0
                wait = ERASE_SECONDS if erased else ERASE_RETRY_SECONDS
                self._erase_at = time.monotonic() + wait
            elif self._unmerged > LOG_BYTES:
                self._unmerged = 0
                self._store.merge()
        except Exception as error:  # noqa: BLE001 -- classified like a failed group
            self._fail(error)
            self._untidy = False
            self._settle(Outcome((), (), (), self._condition, self._cause))
