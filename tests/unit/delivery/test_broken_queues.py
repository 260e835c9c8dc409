"""Queues and messages that cannot be read: the others are delivered all the same."""

import asyncio

import sqlalchemy as sql

import virtual_time
from delivery_world import Step, World, world
from vivavoce.delivery.tables import message_table, queue_table
from vivavoce.supervision import Supervisor

GOOD = "https://good.example/hook"
BAD = "https://bad.example/hook"
MESSAGE = b'{"type":"start_session"}'


def answers(_: str, __: float) -> Step:
    return Step()


def test_a_queue_that_cannot_be_read_keeps_no_other_waiting() -> None:
    counted: list[str] = []

    async def story(here: World) -> None:
        here.announce("a", BAD, MESSAGE)
        here.announce("b", GOOD, MESSAGE)
        # SQLite keeps a text that another program stored in a column of numbers.
        text = sql.text("UPDATE queue SET failures = '-' WHERE endpoint = :bad")
        here.ledger.do(lambda db: db.execute(text, {"bad": BAD}))
        here.start()
        await asyncio.sleep(3600)
        assert here.arrived(GOOD, "b") == ["msg_b_2"]
        mend = sql.update(queue_table).values(failures=0)
        here.ledger.do(lambda db: db.execute(mend))
        here.dispatcher.wake()
        await asyncio.sleep(86_400)
        assert here.arrived(BAD, "a") == ["msg_a_1"]
        await here.kill()

    with world(answers, supervisor=Supervisor(count_unreadable=counted.append)) as here:
        virtual_time.run(story(here))
    assert set(counted) == {"delivery queue"}
    assert len(counted) < 30  # no more often than its back-off allows


def test_a_message_that_cannot_be_read_is_kept_as_a_dead_letter_and_the_next_one_goes() -> None:
    counted: list[str] = []

    async def story(here: World) -> None:
        here.announce("a", GOOD, MESSAGE, MESSAGE, MESSAGE)
        first = message_table.c.id == "msg_a_1"
        broken = b"{" * (here.most + 1)
        here.ledger.do(
            lambda db: db.execute(sql.update(message_table).where(first).values(body=broken))
        )
        here.start()
        await asyncio.sleep(3600)
        assert here.arrived(GOOD, "a") == ["msg_a_2", "msg_a_3"]
        assert [(letter.id, letter.cause) for letter in here.dead()] == [("msg_a_1", "unreadable")]
        await here.kill()

    with world(answers, supervisor=Supervisor(count_unreadable=counted.append)) as here:
        virtual_time.run(story(here))
    assert counted == ["delivery"]
