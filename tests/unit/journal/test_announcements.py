import asyncio
import sqlite3
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from unit.journal.test_contract import created, session
from vivavoce.journal.port import Announced, Journal, JournalError, SealedError, UnavailableError
from vivavoce.journal.sqlite import SqliteJournal


async def announced(journal: Journal, count: int, after: int = 0) -> list[Announced]:
    """The next announcements above a number."""
    found: list[Announced] = []
    async with asyncio.timeout(10), aclosing(journal.tail_announcements(after)) as blocks:
        async for block in blocks:
            found += block
            if len(found) >= count:
                break
    return found


def texts(found: list[Announced]) -> list[bytes]:
    return [one.data for one in found]


async def test_every_change_of_a_session_can_announce(journal: Journal) -> None:
    await journal.create(session("s"), [b"created"])
    ends = b"%d to %d"
    await journal.append_audio("s", b"abc", lambda start, end: [ends % (start, end)])
    await journal.append_audio("s", b"de", lambda start, end: [ends % (start, end)])
    await journal.commit("s", [b"message"], b"state", [b"said", b"and more"])
    await journal.drop("s", [b"dropped"])
    found = await announced(journal, 6)
    assert texts(found) == [b"created", b"0 to 3", b"3 to 5", b"said", b"and more", b"dropped"]
    assert [one.number for one in found] == sorted({one.number for one in found})
    assert await journal.last_announcement() == found[-1].number


async def test_a_refused_change_announces_nothing(journal: Journal) -> None:
    await created(journal)
    with pytest.raises(JournalError):
        await journal.create(session("s"), [b"again"])
    await journal.seal("s")
    with pytest.raises(SealedError):
        await journal.append_audio("s", b"abc", lambda *_: [b"audio"])
    await journal.drop("s", [b"gone"])
    await journal.drop("s", [b"gone twice"])
    assert texts(await announced(journal, 1)) == [b"gone"]


async def test_a_reader_that_waits_is_told_what_comes(journal: Journal) -> None:
    await created(journal)
    reading = asyncio.create_task(announced(journal, 2))
    await asyncio.sleep(0)
    await journal.commit("s", [], None, [b"one"])
    await journal.commit("s", [], None, [b"two"])
    assert texts(await reading) == [b"one", b"two"]


async def test_announcements_stay_until_they_are_forgotten_and_numbers_go_on(
    journal: Journal,
) -> None:
    await created(journal)
    await journal.commit("s", [], None, [b"one", b"two", b"three"])
    one, two, three = await announced(journal, 3)
    assert await announced(journal, 1, after=one.number) == [two, three]
    await journal.forget_announcements(two.number)
    assert await announced(journal, 1) == [three]
    await journal.forget_announcements(three.number)
    await journal.commit("s", [], None, [b"four"])
    [four] = await announced(journal, 1)
    assert (four.data, four.number) == (b"four", await journal.last_announcement())
    assert four.number > three.number


async def test_a_reader_hears_of_the_end_of_the_journal(journal: Journal) -> None:
    reading = asyncio.create_task(announced(journal, 1))
    await asyncio.sleep(0)
    await journal.close()
    with pytest.raises(UnavailableError):
        await reading


async def test_large_announcements_come_in_smaller_blocks(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    await created(journal)
    for _ in range(5):
        await journal.commit("s", [], None, [bytes(600_000)])
    async with aclosing(journal.tail_announcements(0)) as blocks:
        assert len(await anext(blocks)) == 2
    await journal.close()


async def test_announcements_survive_their_session_and_a_restart(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    await journal.create(session("s"), [b"created"])
    await journal.drop("s", [b"dropped"])
    await journal.close()
    again = await SqliteJournal.open(tmp_path / "journal.db")
    assert texts(await announced(again, 2)) == [b"created", b"dropped"]
    await again.forget_announcements(await again.last_announcement())
    last = await again.last_announcement()
    await again.close()
    third = await SqliteJournal.open(tmp_path / "journal.db")
    assert await third.last_announcement() == last > 0
    await third.close()


async def test_a_journal_of_the_first_version_learns_to_announce(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await SqliteJournal.open(path)
    await created(journal)
    await journal.close()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TABLE announcement; DROP TABLE break_marker; PRAGMA user_version=1;"
        )
    again = await SqliteJournal.open(path)
    await again.commit("s", [b"message"], None, [b"said"])
    assert texts(await announced(again, 1)) == [b"said"]
    await again.close()
