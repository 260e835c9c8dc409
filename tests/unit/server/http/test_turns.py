import asyncio

from vivavoce.server.http.turns import RequestTurns


async def test_work_is_spread_over_turns_in_its_order() -> None:
    turns = RequestTurns(per_turn=3)
    done: list[int] = []
    for number in range(7):
        turns.add(lambda number=number: done.append(number))  # type: ignore[misc]  # a default binds it
    seen = []
    for _ in range(4):
        await asyncio.sleep(0)
        seen.append(len(done))
    assert done == list(range(7))
    assert seen == [3, 6, 7, 7]


async def test_work_that_is_added_meanwhile_comes_behind() -> None:
    turns = RequestTurns(per_turn=2)
    done: list[str] = []
    turns.add(lambda: turns.add(lambda: done.append("later")))
    turns.add(lambda: done.append("first"))
    await asyncio.sleep(0)
    assert done == ["first"]
    await asyncio.sleep(0)
    assert done == ["first", "later"]
