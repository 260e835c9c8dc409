"""How the sessions of an earlier process are taken over."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from vivavoce.archive.port import ArchiveError, NewRecord, Records
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import JournalError, NewSession
from vivavoce.session.connections import Turn
from vivavoce.session.failure import Failure
from vivavoce.session.life import Life
from vivavoce.session.live import Limits, Live
from vivavoce.session.sessions import Sessions, TooManySessionsError

LIMITS = Limits(duration=10, resume=300, farewell=15, idle=60, connect=3600, sessions=2, unopened=4)
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
    """Notes the sessions that run, those that are given up, and those that fail."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.abandoned: list[str] = []
        self.failed: dict[str, Failure] = {}
        self.broken = False

    async def run(self, live: Live, failure: Failure | None = None) -> None:
        if failure is not None:
            self.failed[live.id] = failure
            return
        self.running.append(live.id)
        await asyncio.Event().wait()

    async def recall(self, live: Live) -> None:
        await live.restore()

    async def suspend(self, live: Live) -> None: ...

    async def abandon(self, live: Live) -> None:
        if self.broken:
            raise ArchiveError("the records do not answer")
        self.abandoned.append(live.id)


class NoRecords:
    """Takes every record."""

    async def add(self, record: NewRecord) -> None: ...


@pytest.fixture
async def journal() -> GatedJournal:
    """Holds sessions with audio."""
    journal = GatedJournal()
    for name in NAMES:
        await journal.create(NewSession(name, name.encode(), b"{}", 0.0, "default"))
        await journal.append_audio(name, bytes(3200))
    return journal


def sessions_of(journal: GatedJournal, life: EndlessLife) -> Sessions:
    records, alive = cast(Records, NoRecords()), cast(Life, life)  # noqa: TC006  names, not strings
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


@pytest.fixture
def life() -> EndlessLife:
    return EndlessLife()


@pytest.fixture
async def sessions(life: EndlessLife) -> AsyncIterator[Sessions]:
    """No sessions yet."""
    made = sessions_of(GatedJournal(), life)
    yield made
    await made.aclose()


async def created(sessions: Sessions, name: str, owner: str = "default") -> Live:
    session = NewSession(name, name.encode(), b"{}", 0.0, owner)
    record = NewRecord(id=name, owner=owner, created_at=0.0, request=b"{}")
    await sessions.create(session, record)
    found = await sessions.find(name.encode())
    assert found is not None
    return found


async def opened(sessions: Sessions, live: Live) -> Turn:
    turn = Turn()
    with sessions.opening(live):
        await live.connect(turn)
    return turn


async def test_sessions_that_were_never_connected_to_have_a_bound_of_their_own(
    sessions: Sessions,
) -> None:
    for number in range(LIMITS.unopened):
        await created(sessions, str(number))
    with pytest.raises(TooManySessionsError, match=r"without a connection.*only up to 4 "):
        await created(sessions, "more")
    await created(sessions, "of another key", "another")
    assert (sessions.recording, sessions.unopened) == (0, LIMITS.unopened + 1)
    assert sessions.newcomers() == []


async def test_open_sessions_are_bounded_when_they_are_made_and_when_they_are_opened(
    sessions: Sessions,
) -> None:
    first, second, third = [await created(sessions, name) for name in ("a", "b", "c")]
    turn = await opened(sessions, first)
    await opened(sessions, second)
    with pytest.raises(TooManySessionsError, match=r"concurrent sessions.*only up to 2 sessions"):
        await created(sessions, "d")
    with pytest.raises(TooManySessionsError, match="concurrent"), sessions.opening(third):
        pass
    first.disconnect(turn)  # its client may come back: it still counts
    with sessions.opening(first):
        pass
    with pytest.raises(TooManySessionsError), sessions.opening(third):
        pass
    await first.end()
    await opened(sessions, third)
    assert sessions.recording == 2
    assert [live.id for live in sessions.newcomers()] == ["b", "c"]


async def test_handshakes_under_way_hold_places(sessions: Sessions) -> None:
    lives = [await created(sessions, name) for name in ("a", "b", "c")]
    with (
        sessions.opening(lives[0]),
        sessions.opening(lives[1]),
        pytest.raises(TooManySessionsError),
        sessions.opening(lives[2]),
    ):
        pass
    with sessions.opening(lives[2]):
        assert sessions.recording == 1


async def test_a_session_can_be_withdrawn_until_a_client_connects(
    sessions: Sessions, life: EndlessLife
) -> None:
    unopened, coming, open_ = [await created(sessions, name) for name in ("a", "b", "c")]
    await opened(sessions, open_)
    assert await sessions.withdraw(unopened.id)
    assert life.abandoned == ["a"]
    assert await sessions.find(b"a") is None
    with sessions.opening(coming):
        assert not await sessions.withdraw(coming.id)
    assert not await sessions.withdraw(open_.id)
    assert not await sessions.withdraw("unknown")
    assert life.abandoned == ["a"]


async def test_a_session_that_cannot_be_withdrawn_now_goes_on(
    sessions: Sessions, life: EndlessLife
) -> None:
    await created(sessions, "a")
    await settled()
    life.broken = True
    with pytest.raises(ArchiveError):
        await sessions.withdraw("a")
    assert await sessions.find(b"a") is not None
    await settled()
    assert life.running == ["a", "a"]
    life.broken = False
    assert await sessions.withdraw("a")
