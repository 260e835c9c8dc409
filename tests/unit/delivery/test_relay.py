"""Announcements on their way from the journal to the queues: each of them once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import msgspec
import pytest
import sqlalchemy as sql
from sqlalchemy.exc import OperationalError

from delivery_world import InlineLedger
from vivavoce.delivery import endpoints, intake, queues
from vivavoce.delivery.announcement import Announcement, encode
from vivavoce.delivery.relay import Relay
from vivavoce.delivery.tables import endpoint_table, message_table, unreadable_table
from vivavoce.journal.memory import MemoryJournal
from vivavoce.journal.port import Announced, NewSession, UnavailableError
from vivavoce.supervision import Supervisor

URL = "https://example.com/hook"
STARTED = b'{"type":"start_session"}'


@pytest.fixture
def ledger() -> Iterator[InlineLedger]:
    made = InlineLedger()
    yield made
    made.close()


class ForgetfulJournal(MemoryJournal):
    """Cannot forget, as on a full disk, or because the process dies first."""

    async def forget_announcements(self, upto: int) -> None:
        del upto
        raise UnavailableError("the disk is full")


@pytest.fixture
async def journal() -> AsyncIterator[MemoryJournal]:
    made = MemoryJournal()
    await made.create(NewSession("s", b"s", b"{}", 0.0, "me"))
    yield made
    await made.close()


def told(session: str = "s", owner: str = "me", *, lifecycle: bool = False) -> bytes:
    return encode(Announcement(session, owner, STARTED, URL, lifecycle))


async def relayed(
    journal: MemoryJournal, ledger: InlineLedger, count: int, **more: Any
) -> list[str]:
    """Ids of all messages, once so many have been taken over."""

    def ids() -> list[str]:
        select = sql.select(message_table.c.id).order_by(message_table.c.key)
        return list(ledger.do(lambda db: db.execute(select).scalars().all()))

    relay = Relay(journal, cast("Any", ledger), lambda: None, lambda: 7.0, **more)
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(10):
        while len(ids()) < count:  # noqa: ASYNC110  the relay tells nobody
            await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return ids()


async def test_announcements_become_messages_in_their_order_and_are_forgotten(
    journal: MemoryJournal, ledger: InlineLedger
) -> None:
    await journal.commit("s", [], None, [told(), told("t"), told()])
    assert await relayed(journal, ledger, 3) == ["msg_s_1", "msg_t_2", "msg_s_3"]
    assert await journal._read_announcements(0, 10, 0) == []  # noqa: SLF001  what is left


async def test_what_was_taken_but_not_forgotten_is_not_taken_again(ledger: InlineLedger) -> None:
    journal = ForgetfulJournal()
    await journal.create(NewSession("s", b"s", b"{}", 0.0, "me"), [told()])
    assert await relayed(journal, ledger, 1) == ["msg_s_1"]
    await journal.commit("s", [], None, [told()])
    assert await relayed(journal, ledger, 2) == ["msg_s_1", "msg_s_2"]


async def test_a_journal_that_was_made_anew_is_read_from_its_beginning(
    journal: MemoryJournal, ledger: InlineLedger
) -> None:
    ledger.do(lambda db: intake.set_mark(db, 500))
    await journal.commit("s", [], None, [told()])
    assert await relayed(journal, ledger, 1) == ["msg_s_1"]


async def test_webhooks_go_to_the_endpoints_of_the_key_and_to_those_of_every_key(
    journal: MemoryJournal, ledger: InlineLedger
) -> None:
    everybody = ledger.do(lambda db: endpoints.add(db, URL, None, 0.0))
    mine = ledger.do(lambda db: endpoints.add(db, URL, "me", 1.0))
    ledger.do(lambda db: endpoints.add(db, URL, "them", 2.0))
    gone = ledger.do(lambda db: endpoints.add(db, URL, "me", 9.0))
    disabled = endpoint_table.c.id == gone.id
    ledger.do(
        lambda db: db.execute(sql.update(endpoint_table).where(disabled).values(disabled_at=1.0))
    )
    await journal.commit("s", [], None, [told(lifecycle=True)])
    assert await relayed(journal, ledger, 3) == [
        "msg_s_1",
        f"msg_s_1_{everybody.id}",
        f"msg_s_1_{mine.id}",
    ]


def test_an_origin_is_what_shares_a_machine_as_far_as_one_can_see() -> None:
    same = {"https://Example.com/a", "https://example.com/b?token=x", "https://me@example.com/"}
    assert {intake.origin_of(url) for url in same} == {"https://example.com"}
    assert intake.origin_of("https://example.com:8443/a") == "https://example.com:8443"
    assert intake.origin_of("http://[broken") == "http://[broken"


UNREADABLE = {
    "no announcement": b"\xc1",
    "of a later version": msgspec.msgpack.encode({"session": "s"}),
    "with a message that is none": encode(Announcement("s", "me", b"{", URL, lifecycle=False)),
    "with broken text": encode(Announcement("s", "me", STARTED, URL, lifecycle=False)).replace(
        b"example", b"ex\xed\xa0\x80le"
    ),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_announcement_that_cannot_be_read_is_set_aside_and_stops_no_other(
    journal: MemoryJournal, ledger: InlineLedger, data: bytes
) -> None:
    await journal.commit("s", [], None, [told(), data, told(), told("t")])
    assert await relayed(journal, ledger, 3) == ["msg_s_1", "msg_s_3", "msg_t_4"]
    await journal.commit("s", [], None, [told()])
    assert (await relayed(journal, ledger, 4))[-1] == "msg_s_5"


async def test_what_is_set_aside_is_kept_as_it_came_and_counted(
    journal: MemoryJournal, ledger: InlineLedger
) -> None:
    counted: list[str] = []
    await journal.commit("s", [], None, [told(), b"\xc1", told()])
    supervisor = Supervisor(count_unreadable=counted.append)
    await relayed(journal, ledger, 2, supervisor=supervisor)
    kept = ledger.do(lambda db: db.execute(sql.select(unreadable_table)).all())
    assert [(row.number, row.data, row.found_at) for row in kept] == [(2, b"\xc1", 7.0)]
    assert kept[0].reason
    assert counted == ["announcement"]


def test_what_was_set_aside_is_removed_when_dead_letters_are(ledger: InlineLedger) -> None:
    ledger.do(lambda db: intake.take(db, [Announced(1, b"\xc1")], 0.0))
    for now, left in ((queues.DEAD_SECONDS, 1), (queues.DEAD_SECONDS + 1, 0)):
        ledger.do(lambda db, now=now: queues.tidy(db, now))  # type: ignore[misc]  # bound here
        assert len(ledger.do(lambda db: db.execute(sql.select(unreadable_table)).all())) == left


def test_a_database_that_fails_sets_nothing_aside(ledger: InlineLedger) -> None:
    ledger.do(lambda db: db.execute(sql.text("DROP TABLE message")))
    with pytest.raises(OperationalError):
        ledger.do(lambda db: intake.take(db, [Announced(1, told())], 0.0))
