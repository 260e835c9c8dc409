"""Timers that share turns of the loop; their time is virtual."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import virtual_time
from vivavoce.server.coarse_timers import STEP_SECONDS, CoarseTimers

EARLY = 0.001
"""Loops may wake up so much before an instant."""


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_each_fires_once_and_at_most_a_step_late(delays: list[float]) -> None:
    async def main() -> None:
        loop, timers = asyncio.get_running_loop(), CoarseTimers()
        began = loop.time()
        fired: dict[int, float] = {}
        for number, delay in enumerate(delays):

            def note(number: int = number) -> None:
                assert number not in fired
                fired[number] = loop.time() - began

            timers.call_later(delay, note)
        await asyncio.sleep(3)
        assert sorted(fired) == list(range(len(delays)))
        for number, delay in enumerate(delays):
            assert delay - EARLY <= fired[number] <= delay + STEP_SECONDS + EARLY

    virtual_time.run(main())


def test_timers_of_one_step_cost_one_turn() -> None:
    async def main() -> None:
        loop, timers = asyncio.get_running_loop(), CoarseTimers()
        fired: set[float] = set()
        for number in range(200):
            timers.call_later(number * STEP_SECONDS / 100, lambda: fired.add(loop.time()))
        await asyncio.sleep(1)
        assert len(fired) <= 3

    virtual_time.run(main())


def test_a_timer_set_by_a_timer_and_an_earlier_one_fire_too() -> None:
    async def main() -> None:
        timers, fired = CoarseTimers(), list[str]()
        timers.call_later(1.0, lambda: timers.call_later(1.0, lambda: fired.append("second")))
        timers.call_later(0.5, lambda: fired.append("earlier"))
        await asyncio.sleep(0.6)
        assert fired == ["earlier"]
        await asyncio.sleep(2)
        assert fired == ["earlier", "second"]

    virtual_time.run(main())


def test_a_cancelled_timer_is_silent_even_in_the_turn_in_which_it_is_due() -> None:
    async def main() -> None:
        timers, fired = CoarseTimers(), list[str]()
        first = timers.call_later(0.1, lambda: second.cancel())  # noqa: PLW0108  not there yet
        second = timers.call_later(0.1, lambda: fired.append("cancelled"))
        timers.call_later(0.05, first.cancel).cancel()
        await asyncio.sleep(1)
        assert not fired

    virtual_time.run(main())


def test_the_error_of_one_is_reported_and_spares_the_others() -> None:
    async def main() -> None:
        loop, timers = asyncio.get_running_loop(), CoarseTimers()
        reported: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: reported.append(context))
        fired: list[str] = []
        timers.call_later(0.1, lambda: 1 / 0)
        timers.call_later(0.1, lambda: fired.append("other"))
        await asyncio.sleep(1)
        assert fired == ["other"]
        assert [type(each["exception"]) for each in reported] == [ZeroDivisionError]

    virtual_time.run(main())
