"""What holds for every test: it leaves no task, no lost exception and no unawaited coroutine."""

import gc
import inspect
from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from loop_watch import LoopWatch

# How long an example takes is the machine's affair, not the code's.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """Take what lives for the whole run out of garbage collection: each test collects once."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> None:
    """Watch the loop of a test that has one; set up first, so checked after all other fixtures."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("watched_loop")


@pytest.fixture
async def watched_loop() -> AsyncIterator[None]:
    """The loop of an async test, checked at the test's end."""
    watch = LoopWatch()
    yield
    await watch.check()
