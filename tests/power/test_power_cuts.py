"""Power cuts on a simulated disk: whatever was acknowledged is there, once and in its order."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from power import sqlite_vfs
from power.cuts import House, kept, tell
from power.steps import SteppedWriter
from vivavoce.archive import recordings
from vivavoce.journal import lock
from vivavoce.journal.changes import Change
from vivavoce.journal.schema import connector
from vivavoce.journal.store import Transaction
from vivavoce.journal.writer import Work

pytestmark = [
    pytest.mark.skipif(bool(sqlite_vfs.missing()), reason=str(sqlite_vfs.missing())),
    pytest.mark.timeout(120),
]

SEEDS = 120
MUTANT_SEEDS = 150
"""Stories within which a wrong way of storing must be found out."""


def test_a_short_round_of_power_cuts_loses_and_doubles_nothing() -> None:
    stories = [tell(seed) for seed in range(SEEDS)]
    assert [(story.seed, story.failure) for story in stories if story.failure] == []
    assert sum(story.tally.acknowledged for story in stories) > 100 * SEEDS
    assert {story.tally.lost + story.tally.doubled for story in stories} == {0}


@pytest.mark.parametrize("seed", kept())
def test_a_seed_that_once_failed_passes(seed: int) -> None:
    assert tell(seed).failure is None


def test_a_seed_tells_the_same_story_every_time() -> None:
    assert tell(7) == tell(7)


def weaker(level: str) -> House:
    """A journal whose commits are not synced."""

    def connect(path: Path) -> Any:
        connection = connector(5.0)(path)
        connection.execute(f"PRAGMA synchronous={level}")
        return connection

    return House(connect)


class TellsFirst(SteppedWriter):
    """Tells that audio and messages are stored, and stores them in its next turn."""

    _owed: Sequence[Work] = ()

    @property
    def busy(self) -> bool:
        return bool(self._owed) or super().busy

    def turn(self) -> bool:
        self._pay()
        return super().turn() if super().busy else True

    def _pay(self) -> None:
        owed, self._owed = self._owed, ()
        if owed:
            self._store.write([work.action for work in owed])

    def _store_group(self, works: Sequence[Work]) -> tuple[list[Any], list[Change]]:
        self._pay()
        connection, known = self._store._connection, self._store._known  # noqa: SLF001  a mutant knows its victim
        if not all(work.size for work in works):  # an end, which others look for at once
            return super()._store_group(works)
        connection.execute("BEGIN")
        transaction = Transaction(connection, known)
        results = [work.action(transaction) for work in works]
        transaction.flush()
        connection.execute("ROLLBACK")
        drafts = transaction.drafts
        if not drafts.keys() <= known.keys() or any(d.extent.sealed for d in drafts.values()):
            return super()._store_group(works)
        self._owed = works
        return results, transaction.changes()


class UnsyncedFiles:
    """``os`` with files that are not synced."""

    def __getattr__(self, name: str) -> Any:
        return (lambda _: None) if name == "fsync" else getattr(os, name)


@dataclass(frozen=True)
class Mutant:
    """A wrong way of storing, and how it is found out."""

    found: str
    house: House = field(default_factory=House)
    change: Callable[[], AbstractContextManager[Any]] = nullcontext


LOST = "acknowledged audio is lost"
MUTANTS = {
    "synchronous=NORMAL": Mutant(LOST, weaker("NORMAL")),
    "synchronous=OFF": Mutant(LOST, weaker("OFF")),
    "acknowledged before it is committed": Mutant(LOST, House(writer=TellsFirst)),
    "recordings without a sync": Mutant(
        "a session is gone", change=lambda: patch.object(recordings, "os", UnsyncedFiles())
    ),
    "recordings whose name is not synced": Mutant(
        "a session is gone",
        change=lambda: patch.object(recordings, "publish", lambda part, path: part.replace(path)),
    ),
    "recordings that are only unlinked": Mutant(
        "a deleted recording is back",
        change=lambda: patch.object(
            recordings, "remove", lambda path: path.unlink(missing_ok=True)
        ),
    ),
    "folders whose name is not synced": Mutant(
        "a session is gone",
        change=lambda: patch.object(lock, "make_folder", lambda path: path.mkdir(exist_ok=True)),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_way_of_storing_is_found_out(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.change():
        failures = (tell(seed, mutant.house).failure or "" for seed in range(MUTANT_SEEDS))
        assert any(mutant.found in failure for failure in failures)
