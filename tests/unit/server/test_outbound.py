import asyncio

import pytest

from vivavoce.server.outbound import Outbound, Outgoing, Room, SlowReaderError

SMALL = Room(messages=100, size=100, crowded=50, patience=0.01)


def made(room: Room = SMALL) -> Outbound:
    return Outbound(room, lambda begin, end: f"ack {begin}-{end}")


def ack(begin: int, end: int) -> Outgoing:
    return Outgoing(f"ack {begin}-{end}", acknowledges=(begin, end))


async def texts(outbound: Outbound) -> list[str]:
    outbound.show("", "the end")
    found = []
    while (message := await outbound.next()).view != "the end":
        found.append(message.text)
    return found


async def test_a_newer_view_takes_the_place_of_one_that_waits() -> None:
    outbound = made()
    outbound.show("one", "a")
    outbound.show("other", "b")
    outbound.show("one two", "a")
    assert [(await outbound.next()).text, (await outbound.next()).text] == ["one two", "other"]
    assert outbound.spared == 1


async def test_a_message_that_settles_a_view_drops_it() -> None:
    outbound = made()
    outbound.show("one", "a")
    await outbound.put(Outgoing("one."), settles="a")
    assert await texts(outbound) == ["one."]


async def test_where_much_waits_views_go_first() -> None:
    outbound = made()
    outbound.show("one", "a")
    await outbound.put(Outgoing("x" * 60))
    outbound.show("two", "b")
    assert (await outbound.next()).text == "x" * 60
    assert outbound.spared == 2
    assert await texts(outbound) == []


async def test_where_much_waits_acknowledgements_become_one_and_always_have_room() -> None:
    outbound = made()
    await outbound.put(ack(0, 10))
    await outbound.put(Outgoing("x" * 95))
    for begin in range(10, 1000, 10):
        await outbound.put(ack(begin, begin + 10))
    first = await outbound.next()
    assert first.text == "ack 0-1000"
    assert first.acknowledges == (0, 1000)
    assert outbound.merged == 99


async def test_where_little_waits_every_chunk_has_its_own_acknowledgement() -> None:
    outbound = made()
    await outbound.put(ack(0, 10))
    await outbound.put(ack(10, 20))
    assert (await outbound.next()).text == "ack 0-10"
    assert (await outbound.next()).text == "ack 10-20"


async def test_acknowledgements_that_do_not_touch_stay_apart() -> None:
    outbound = made(Room(crowded=0))
    await outbound.put(ack(0, 10))
    await outbound.put(ack(5, 20))
    assert await texts(made()) == []
    assert [(await outbound.next()).text for _ in range(2)] == ["ack 0-10", "ack 5-20"]


async def test_a_reader_that_takes_nothing_is_given_up() -> None:
    outbound = made()
    await outbound.put(Outgoing("x" * 100))
    with pytest.raises(SlowReaderError):
        await outbound.put(Outgoing("y"))


async def test_a_reader_that_takes_something_is_waited_for() -> None:
    outbound = made(Room(messages=1, patience=60))
    await outbound.put(Outgoing("one"))
    waiting = asyncio.create_task(outbound.put(Outgoing("two")))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert (await outbound.next()).text == "one"
    await waiting
    assert (await outbound.next()).text == "two"
