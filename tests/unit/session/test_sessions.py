"""How the sessions of an earlier process are taken over."""

import asyncio
from typing import cast

import pytest

from vivavoce.archive.port import Records
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import JournalError, NewSession
from vivavoce.session.failure import Failure
from vivavoce.session.life import Life
from vivavoce.session.live import Limits, Live
from vivavoce.session.sessions import Sessions

LIMITS = Limits(duration=10, resume=300, farewell=15, idle=60, connect=3600, sessions=10)
NAMES = ("a", "b", "c")


class GatedJournal(MemoryJournal):
    """Reads no audio before the gate is open, and never that of damaged sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.damaged: set[str] = set()

    async def read_audio(self, session_id: str, start: int, end: int) -> bytes:
        await self.gate.wait()
        if session_id in self.damaged:
            raise JournalError(session_id)
        return await super().read_audio(session_id, start, end)


class EndlessLife:
    """Notes the sessions that run, and those that end with a failure."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.failed: dict[str, Failure] = {}

    async def run(self, live: Live, failure: Failure | None = None) -> None:
        if failure is not None:
            self.failed[live.id] = failure
            return
        self.running.append(live.id)
        await asyncio.Event().wait()

    async def recall(self, live: Live) -> None:
        await live.restore()

    async def suspend(self, live: Live) -> None: ...


@pytest.fixture
async def journal() -> GatedJournal:
    """Holds sessions with audio."""
    journal = GatedJournal()
    for name in NAMES:
        await journal.create(NewSession(name, name.encode(), b"{}", 0.0, "default"))
        await journal.append_audio(name, bytes(3200))
    return journal


def sessions_of(journal: GatedJournal, life: EndlessLife) -> Sessions:
    records, alive = cast(Records, None), cast(Life, life)  # noqa: TC006  names, not strings
    return Sessions(journal, records, alive, LIMITS, asyncio.get_running_loop().time)


async def settled() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_a_start_waits_for_no_session_to_be_recovered(journal: GatedJournal) -> None:
    life = EndlessLife()
    sessions = sessions_of(journal, life)
    await sessions.start()
    coming = asyncio.create_task(sessions.find(b"c"))
    await settled()
    assert (life.running, coming.done()) == ([], False)
    journal.gate.set()
    found = await coming
    assert found is not None
    assert found.id == "c"
    await settled()
    assert sorted(life.running) == list(NAMES)
    await sessions.aclose()


async def test_a_client_that_comes_is_served_before_those_that_do_not(
    journal: GatedJournal,
) -> None:
    life = EndlessLife()
    sessions = sessions_of(journal, life)
    await sessions.start()
    await asyncio.sleep(0)  # the recovery is at work on the first
    coming = asyncio.create_task(sessions.find(b"c"))
    await asyncio.sleep(0)
    journal.gate.set()
    await coming
    await settled()
    assert life.running == ["a", "c", "b"]
    await sessions.aclose()


async def test_a_session_that_cannot_be_read_keeps_no_other_from_going_on(
    journal: GatedJournal,
) -> None:
    life = EndlessLife()
    journal.damaged.add("a")
    journal.gate.set()
    sessions = sessions_of(journal, life)
    await sessions.start()
    await settled()
    assert life.running == ["b", "c"]
    assert life.failed == {"a": Failure(keep=True)}
    assert await sessions.find(b"a") is None
    await sessions.aclose()


async def test_a_session_is_recovered_once_however_many_come(journal: GatedJournal) -> None:
    life = EndlessLife()
    sessions = sessions_of(journal, life)
    await sessions.start()
    coming = [asyncio.create_task(sessions.find(b"b")) for _ in range(5)]
    journal.gate.set()
    found = await asyncio.gather(*coming)
    assert len({id(live) for live in found}) == 1
    await settled()
    assert sorted(life.running) == list(NAMES)
    await sessions.aclose()
