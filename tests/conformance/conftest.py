"""Two real servers for the whole run, sessions that many checks read, and the table at the end."""

import time
from collections.abc import Iterator

import pytest
import pytest_asyncio

from conformance.support import (
    CALLBACKS_HERE,
    CROWDED_KEY,
    ENGLISH,
    EVERY_MESSAGE,
    KeyedServer,
    Parked,
    Run,
    mono,
    need_models,
    run,
)
from conformance.table import Table
from integration.server_process import ServerProcess
from integration.speech import TIMES, pieces
from integration.wire import Api, session

TIGHT = {
    "VIVAVOCE_MAX_SESSIONS": "2",
    "VIVAVOCE_MAX_DURATION": "3",
    "VIVAVOCE_IDLE_LIMIT": "2",
    "VIVAVOCE_RESUME_GRACE": "2",
    "VIVAVOCE_CONNECT_LIMIT": "2",
    "VIVAVOCE_WORKERS": "1",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--checks", action="store_true", help="print the table of checks at the end")
    group.addoption("--page", help="write the table of checks to this Markdown file")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table(config), "conformance-table")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server of most checks, with the limits that it has by default."""
    need_models()
    data = tmp_path_factory.mktemp("conformance") / "data"
    settings = {"VIVAVOCE_MAX_SESSIONS": "10000", "VIVAVOCE_TRUSTED_PROXIES": "127.0.0.1"}
    settings |= CALLBACKS_HERE
    with KeyedServer(data, settings).running() as process:
        yield process


@pytest.fixture(scope="session")
def tight_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose limits are soon reached."""
    need_models()
    data = tmp_path_factory.mktemp("tight") / "data"
    with KeyedServer(data, TIGHT).running() as process:
        yield process


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def parked(server: ServerProcess) -> Parked:
    """Begun with the run, so that the half minute of check 87 passes while others run."""
    audio = mono(TIMES)
    half = len(audio) // 2
    async with session(Api(server.url), **ENGLISH) as (made, talking):
        await talking.send(pieces(audio[:half], 6400))
        await talking.acknowledged(half)
        talking.drop()
    return Parked(made, audio[half:], time.monotonic())


@pytest.fixture(scope="session")
def api(server: ServerProcess, parked: Parked) -> Api:
    del parked  # only to be begun early
    return Api(server.url)


@pytest.fixture(scope="session")
def tight(tight_server: ServerProcess) -> Api:
    return Api(tight_server.url)


@pytest.fixture(scope="session")
def crowded(tight_server: ServerProcess) -> Api:
    """An account of the tight server that no other check uses."""
    return Api(tight_server.url, CROWDED_KEY)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plain(api: Api) -> Run:
    """A session of two sentences with the default messages, sent as fast as it is taken."""
    return await run(api, mono(TIMES), custom_metadata={"user": "John"})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def paced(api: Api) -> Run:
    """The same sentences at the pace of speech, with every message there is."""
    return await run(api, mono(TIMES), pause=0.1, chunk=3200, messages_config=EVERY_MESSAGE)
