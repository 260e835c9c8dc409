"""Work of many sessions in one thread."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from vivavoce.session.hearing import Hearing


@pytest.fixture
async def hearing() -> AsyncIterator[Hearing]:
    with ThreadPoolExecutor(1) as executor:
        yield Hearing(executor, time.monotonic)


async def test_everybody_gets_their_own_answer_in_the_order_of_asking(hearing: Hearing) -> None:
    done: list[int] = []

    def work(number: int) -> int:
        done.append(number)
        return number * number

    answers = [hearing.run(partial(work, number)) for number in range(200)]
    assert await asyncio.gather(*answers) == [number * number for number in range(200)]
    assert done == list(range(200))


async def test_work_is_done_off_the_loop_and_goes_on_after_a_pause(hearing: Hearing) -> None:
    threads = {await hearing.run(threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_a_fault_reaches_whoever_asked_and_nobody_else(hearing: Hearing) -> None:
    async def fail() -> None:
        await hearing.run(lambda: 1 // 0)

    failed, well = await asyncio.gather(fail(), hearing.run(lambda: 7), return_exceptions=True)
    assert isinstance(failed, ZeroDivisionError)
    assert well == 7


async def test_whoever_gave_up_holds_nobody_up(hearing: Hearing) -> None:
    gate = threading.Event()
    blocked = asyncio.create_task(hearing.run(gate.wait))
    given_up = asyncio.create_task(hearing.run(lambda: 1))
    await asyncio.sleep(0)
    given_up.cancel()
    gate.set()
    assert await blocked
    assert await hearing.run(lambda: 2) == 2


async def test_what_comes_while_the_thread_ends_its_round_is_not_forgotten(
    hearing: Hearing,
) -> None:
    async def chain(length: int) -> int:
        return sum([await hearing.run(lambda: 1) for _ in range(length)])

    assert await asyncio.gather(*(chain(50) for _ in range(20))) == [50] * 20
