import asyncio
from contextlib import suppress

import pytest

from vivavoce.protocol.messages import EndSession, Message
from vivavoce.server.answering import Answering


class Reader:
    """Takes messages at once while it is quick, and else when it is let."""

    def __init__(self) -> None:
        self.quick = True
        self.let = asyncio.Event()
        self.told: list[str] = []
        self.owed = 0
        self.answers = Answering(self.tell_now, self.tell, self.count)

    def tell_now(self, message: Message) -> bool:
        if self.quick:
            self.told.append(message.created_at)
        return self.quick

    async def tell(self, message: Message) -> None:
        await self.let.wait()
        self.told.append(message.created_at)

    def count(self, more: int) -> None:
        self.owed += more


def answer(name: str) -> Message:
    return EndSession(session_id="s", created_at=name)


async def settle(turns: int = 5) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_answers_leave_in_the_order_of_the_frames() -> None:
    reader = Reader()
    running = asyncio.create_task(reader.answers.run())
    await settle()
    first, second, third = (reader.answers.owe(size) for size in (1, 2, 3))
    assert (reader.answers.unsettled_bytes, reader.owed) == (6, 3)
    reader.answers.settle(third, answer("3"))
    reader.answers.settle(first, answer("1"))
    assert reader.told == ["1"]
    reader.answers.settle(second, answer("2"))
    assert reader.told == ["1", "2", "3"]
    assert (reader.answers.unsettled_bytes, reader.owed, len(reader.answers)) == (0, 0, 0)
    running.cancel()


async def test_one_that_has_to_wait_is_not_overtaken() -> None:
    reader = Reader()
    running = asyncio.create_task(reader.answers.run())
    await settle()
    first, second = reader.answers.owe(0), reader.answers.owe(0)
    reader.quick = False
    reader.answers.settle(first, answer("1"))
    await settle()
    reader.quick = True
    reader.answers.settle(second, answer("2"))
    assert reader.told == []
    reader.let.set()
    await settle()
    assert reader.told == ["1", "2"]
    running.cancel()


async def test_what_an_answer_fails_with_ends_the_line_after_those_before_it() -> None:
    reader = Reader()
    running = asyncio.create_task(reader.answers.run())
    await settle()
    first, second = reader.answers.owe(0), reader.answers.owe(0)
    reader.answers.fail(second, ValueError("broken"))
    reader.answers.settle(first, answer("1"))
    with pytest.raises(ValueError, match="broken"):
        await running
    assert reader.told == ["1"]
    with pytest.raises(ValueError, match="broken"):
        await reader.answers.settled()


async def test_nobody_is_told_any_more_once_the_line_is_given_up() -> None:
    reader = Reader()
    running = asyncio.create_task(reader.answers.run())
    await settle()
    owed = reader.answers.owe(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    reader.answers.settle(owed, answer("1"))
    await reader.answers.settled()
    assert reader.told == []


async def test_work_that_makes_an_answer_settles_it() -> None:
    reader = Reader()
    running = asyncio.create_task(reader.answers.run())
    await settle()

    async def work() -> Message:
        return answer("made")

    reader.answers.settle_by(reader.answers.owe(0), work())
    await reader.answers.settled()
    assert reader.told == ["made"]
    running.cancel()
