from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vivavoce.archive.records import SqlRecords


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[SqlRecords]:
    made = await SqlRecords.open(f"sqlite:///{tmp_path}/records.sqlite")
    yield made
    await made.close()
