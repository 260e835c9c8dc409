"""The watch over every test's event loop finds what it is there for."""

import asyncio
from pathlib import Path

import pytest

import loop_watch
from loop_watch import LeakedTasksError, LostExceptionsError

pytest_plugins = ("pytester",)


async def fail() -> None:
    raise ZeroDivisionError


async def leaks_a_task() -> None:
    asyncio.get_running_loop().leaked = asyncio.create_task(asyncio.sleep(60), name="nap")  # type: ignore[attr-defined]  # held by the loop alone


async def loses_an_exception() -> None:
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task


async def fails_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)


async def awaits_what_it_starts() -> None:
    task = asyncio.create_task(fail())
    with pytest.raises(ZeroDivisionError):
        await task
    other = asyncio.create_task(asyncio.sleep(60))
    other.cancel()


def test_a_task_that_still_runs_is_found() -> None:
    with pytest.raises(LeakedTasksError, match="nap"):
        loop_watch.run(leaks_a_task())


@pytest.mark.parametrize("story", [loses_an_exception, fails_in_a_callback])
def test_an_exception_that_no_caller_learns_of_is_found(story: object) -> None:
    assert callable(story)
    with pytest.raises(LostExceptionsError, match="ZeroDivisionError"):
        loop_watch.run(story())


def test_a_test_that_awaits_all_it_starts_passes() -> None:
    loop_watch.run(awaits_what_it_starts())


def test_the_loop_of_a_test_is_in_debug_mode_and_watched(
    pytester: pytest.Pytester, request: pytest.FixtureRequest
) -> None:
    pytester.makeconftest((Path(request.config.rootpath) / "tests/conftest.py").read_text())
    pytester.makepyfile(
        loop_watch=Path(loop_watch.__file__).read_text(),
        test_stories="""
            import asyncio

            async def test_debugged():
                assert asyncio.get_running_loop().get_debug()

            async def test_leaking():
                asyncio.get_running_loop().kept = asyncio.create_task(asyncio.sleep(60))

            async def test_losing():
                async def fail():
                    raise ZeroDivisionError
                await asyncio.wait([asyncio.create_task(fail())])

            async def test_unawaited():
                asyncio.sleep(0)
        """,
    )
    pytester.makeini("""
        [pytest]
        asyncio_mode = auto
        asyncio_debug = true
        asyncio_default_fixture_loop_scope = function
        filterwarnings = error
        pythonpath = .
    """)
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    said = outcome.stdout.str()
    assert "LeakedTasksError" in said
    assert "LostExceptionsError" in said
    assert "was never awaited" in said
    assert "test_debugged FAILED" not in said
