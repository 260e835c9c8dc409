from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import Journal
from vivavoce.journal.sqlite import SqliteJournal


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
async def journal(request: Any, tmp_path: Path, clock: Clock) -> AsyncIterator[Journal]:
    made: Journal
    if request.param == "memory":
        made = MemoryJournal(clock)
    else:
        made = await SqliteJournal.open(tmp_path / "journal.sqlite", clock=clock)
    yield made
    await made.close()
