"""Engines that do not fit into memory together, with real worker processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from recognition_support import SCRIPTED, a_sung_job
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.recogniser import Recogniser

BOUND = 30.0


@asynccontextmanager
async def recogniser_of(
    *engines: str, budget: int | None, rtf: float = 0.0
) -> AsyncIterator[Recogniser]:
    """Scripted engines of 100 MB each."""
    spec = EngineSpec(SCRIPTED.loader, {"real_time_factor": rtf}, 100)
    recogniser = Recogniser(
        dict.fromkeys(engines, spec), clock=time.monotonic, workers=1, memory_mb=budget
    )
    await recogniser.start()
    try:
        yield recogniser
    finally:
        await recogniser.close(grace=0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND):
        while not condition():  # noqa: ASYNC110 - a process has no event to wait on
            await asyncio.sleep(0.01)


async def heard(recogniser: Recogniser, engine: str, text: str = "alfa", session: str = "s") -> str:
    job = a_sung_job(text, session=session, engine=engine)
    async with asyncio.timeout(BOUND):
        return (await recogniser.decode(job)).text


async def test_without_a_budget_every_engine_is_there_from_the_start() -> None:
    async with recogniser_of("a", "b", "c", budget=None) as recogniser:
        assert recogniser.loaded == {"a", "b", "c"}
        await until(lambda: recogniser.ready)


async def test_at_the_start_as_many_are_loaded_as_fit_the_first_ones_first() -> None:
    async with recogniser_of("a", "b", "c", budget=250) as recogniser:
        assert recogniser.loaded == {"a", "b"}
        assert all(recogniser.health()[name].size == 1 for name in "abc")
        await until(lambda: recogniser.ready)
        assert recogniser.health()["c"].ready == 0


async def test_what_was_used_least_recently_makes_room() -> None:
    async with recogniser_of("a", "b", "c", budget=200) as recogniser:
        assert await heard(recogniser, "b") == "alfa"
        assert await heard(recogniser, "a") == "alfa"
        assert await heard(recogniser, "c") == "alfa"
        assert recogniser.loaded == {"a", "c"}
        await until(lambda: recogniser.health()["b"].ready == 0)
        assert await heard(recogniser, "b") == "alfa"
        assert recogniser.loaded == {"b", "c"}


async def test_a_session_that_begins_has_its_engine_loaded_without_waiting_for_it() -> None:
    async with recogniser_of("a", "b", budget=100) as recogniser:
        before = time.monotonic()
        recogniser.prepare("s", "b")
        assert time.monotonic() - before < 1
        assert recogniser.loaded == {"a"}
        await until(lambda: recogniser.loaded == {"b"} and recogniser.health()["b"].ready == 1)
        assert recogniser.health()["a"].ready == 0


async def test_an_engine_that_a_session_holds_goes_only_for_one_with_work() -> None:
    async with recogniser_of("a", "b", budget=100) as recogniser:
        recogniser.prepare("first", "a")
        recogniser.prepare("second", "b")
        await until(lambda: recogniser.health()["a"].ready == 1)
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert recogniser.loaded == {"a"}
        assert await heard(recogniser, "b", session="second") == "alfa"
        recogniser.cancel("first")
        assert recogniser.loaded == {"b"}


async def test_a_session_that_ended_before_its_engine_came_loads_nothing() -> None:
    async with recogniser_of("a", "b", budget=100) as recogniser:
        recogniser.prepare("first", "a")
        recogniser.prepare("second", "b")
        recogniser.cancel("second")
        recogniser.cancel("first")
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert recogniser.loaded == {"a"}


async def test_two_that_do_not_fit_together_take_turns_and_lose_no_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vivavoce.recognition.residency._TURN", 0.5)
    texts = ["alfa", "bravo", "charlie", "delta"] * 3
    async with recogniser_of("a", "b", budget=100, rtf=0.5) as recogniser:
        jobs = [
            heard(recogniser, engine, text, session=f"{engine}{number}")
            for engine in ("a", "b")
            for number, text in enumerate(texts)
        ]
        assert await asyncio.gather(*jobs) == texts * 2


async def test_unloading_in_the_middle_of_a_job_does_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vivavoce.recognition.residency._TURN", 2.0)
    monkeypatch.setattr("vivavoce.recognition.residency._GRACE", 0.0)
    async with recogniser_of("a", "b", budget=100, rtf=4.0) as recogniser:
        first = asyncio.create_task(heard(recogniser, "a", "golf hotel"))
        await until(lambda: recogniser.health()["a"].busy == 1)
        assert await heard(recogniser, "b", "india", session="t") == "india"
        assert await first == "golf hotel"
        assert recogniser.health()["a"].lost == 0


async def test_an_engine_larger_than_the_budget_may_be_there_alone() -> None:
    async with recogniser_of("a", "b", budget=50) as recogniser:
        assert recogniser.loaded == {"a"}
        assert await heard(recogniser, "b", "kilo") == "kilo"
        assert recogniser.loaded == {"b"}
