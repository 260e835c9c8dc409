"""The event loop is kept from its work on purpose."""

import asyncio
import gc
import time

from vivavoce.server.watchdog import LATE_SECONDS, Watchdog


def keep_the_loop_busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(100))


async def beats(observed: list[float], count: int) -> None:
    wanted = len(observed) + count
    while len(observed) < wanted:  # noqa: ASYNC110  a list of another thread has no event
        await asyncio.sleep(0.001)


async def test_a_block_of_the_loop_is_measured_and_named() -> None:
    late: list[float] = []
    busy: list[float] = []
    async with Watchdog(late.append, busy.append, lambda _: None) as watchdog:
        await beats(late, 1)
        keep_the_loop_busy(0.5)
        await beats(late, 1)
        assert max(late) > LATE_SECONDS
        # All but what passed before the watchdog asked.
        assert max(busy) > 10 * LATE_SECONDS
        assert watchdog.worst == max(busy)
        assert "keep_the_loop_busy" in watchdog.culprit


async def test_a_loop_that_only_waits_has_not_been_busy() -> None:
    busy: list[float] = []
    async with Watchdog(lambda _: None, busy.append, lambda _: None) as watchdog:
        await beats(busy, 5)
        assert min(busy) < LATE_SECONDS
        assert watchdog.worst == max(busy)


async def test_collections_of_garbage_are_timed() -> None:
    collected: list[float] = []
    before = list(gc.callbacks)
    async with Watchdog(lambda _: None, lambda _: None, collected.append):
        gc.collect()
        assert collected
        assert min(collected) >= 0
    assert gc.callbacks == before
