"""Which engines are loaded when loading one of them fails."""

import asyncio
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import virtual_time
from vivavoce.recognition.pool import PoolHealth
from vivavoce.recognition.residency import Budget, Residency
from vivavoce.supervision import Supervisor


class Pool:
    """Starts and ends as told."""

    def __init__(self, failures: float = 0) -> None:
        self.failures = failures
        self.starts = 0
        self.ready = asyncio.Event()

    async def start(self) -> None:
        self.starts += 1
        if self.starts <= self.failures:
            raise OSError(24, "Too many open files")
        self.ready.set()

    async def close(self, _: float) -> None:
        self.ready.clear()

    def health(self) -> Any:
        return SimpleNamespace(failing=False)


def residency(pools: Mapping[str, Pool], counted: list[str]) -> Residency:
    return Residency(
        cast("Any", pools),
        Budget(1, dict.fromkeys(pools, 1)),
        lambda _: False,
        asyncio.get_running_loop().time,
        Supervisor(count_failure=counted.append),
    )


def test_an_engine_that_fails_to_load_keeps_no_other_from_being_loaded() -> None:
    async def story() -> None:
        counted: list[str] = []
        pools = {"first": Pool(), "broken": Pool(failures=math.inf), "other": Pool()}
        cache = residency(pools, counted)
        await cache.start()
        cache.hold("s1", "broken")
        cache.hold("s2", "other")
        await asyncio.sleep(1)
        assert cache.loaded == {"other"}
        assert "model cache" in counted
        await cache.close(0)

    virtual_time.run(story())


def test_an_engine_that_failed_to_load_is_tried_again() -> None:
    async def story() -> None:
        counted: list[str] = []
        pools = {"first": Pool(), "flaky": Pool(failures=2)}
        cache = residency(pools, counted)
        await cache.start()
        cache.hold("s1", "flaky")
        await asyncio.sleep(30)
        assert cache.loaded == {"flaky"}
        assert (pools["flaky"].starts, counted) == (3, ["model cache"] * 2)
        await cache.close(0)

    virtual_time.run(story())


def health(*, ready: int, streak: int) -> PoolHealth:
    return PoolHealth(2, ready, 0, (), streak, 0, streak, ())


def test_an_engine_is_unavailable_when_none_of_its_workers_can_start() -> None:
    assert health(ready=0, streak=3).unavailable
    assert not health(ready=1, streak=3).unavailable  # another worker answers
    assert not health(ready=0, streak=2).unavailable  # it may just be loading
