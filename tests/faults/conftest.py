"""What every fault test needs: servers to break, passages to say, and a ledger of it all."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from faults import seeds
from faults.callers import Passage
from faults.ledger import KEPT, Failure, Ledger, Row
from faults.seeds import THIS, Choice
from integration.conftest import models
from integration.server_process import ServerProcess, lasting_port
from integration.speech import WHOLE, spoken
from integration.wire import Api, Session, finals, spoken_through

__all__ = ["COUNT", "Ledger", "Row", "models"]

PROGRAM = Path(__file__).with_name("scripted_server.py")
ROOT = Path(__file__).parents[2]
KEEP = Path(os.environ.get("FAULTS_KEEP", ROOT / ".faults"))
"""Where the account of a run and what is left of its failures go."""

PASSAGES = 6
PASSAGE_SECONDS = 5
SECOND = 32_000

SEED, COUNT = THIS.seed, THIS.count

StartServer = Callable[..., ServerProcess]

LEDGER = Ledger()
BEGUN = time.monotonic()


# -- the run ---------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "share(percent): part of all sessions to interrupt")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have progress shown where somebody waits for it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    capture = session.config.pluginmanager.get_plugin("capturemanager")
    if "FAULTS_COUNT" not in os.environ or reporter is None or capture is None:
        return

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {time.monotonic() - BEGUN:5.0f} s  {text}")

    LEDGER.say = say


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The SDK opens its socket in a way that the websockets library wants to give up one day.
    ignored = pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(ignored)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once more for each seed with which it has failed before."""
    again = seeds.known(metafunc.function.__name__)
    if "choice" in metafunc.fixturenames and again:
        metafunc.parametrize("choice", {THIS: None, **dict.fromkeys(again)}, indirect=True, ids=str)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a failed test leaves behind."""
    report = yield
    funcargs: dict[str, object] = getattr(item, "funcargs", {})
    folder, choice = funcargs.get("tmp_path"), funcargs.get("choice", THIS)
    here = item.path.is_relative_to(Path(__file__).parent)
    if here and report.failed and report.when == "call" and isinstance(folder, Path):
        evidence = [file for pattern in KEPT for file in sorted(folder.rglob(pattern))]
        assert isinstance(choice, Choice)
        failure = Failure.keep(item.nodeid, choice, KEEP, evidence)
        (Path(failure.folder) / "failure.txt").write_text(report.longreprtext)
        LEDGER.failures.append(failure)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not LEDGER.rows:
        return
    terminalreporter.section(f"faults, seed {SEED}, count {COUNT}")
    for line in LEDGER.table():
        terminalreporter.line(line)
    for failure in LEDGER.failures:
        terminalreporter.line(f"kept in {failure.folder}; once more:")
        terminalreporter.line(f"  {failure.again}")
    LEDGER.write(KEEP / "report.json", SEED, COUNT, time.monotonic() - BEGUN)


# -- what tests ask for ----------------------------------------------------------------------------


@pytest.fixture
def ledger() -> Ledger:
    """The ledger of the run."""
    return LEDGER


@pytest.fixture
def choice(request: pytest.FixtureRequest) -> Choice:
    """What this test's chance and size come from."""
    found = getattr(request, "param", THIS)
    assert isinstance(found, Choice)
    return found


@pytest.fixture
def dice(request: pytest.FixtureRequest, choice: Choice) -> random.Random:
    """Chance that repeats with the seed; its own for each test."""
    name = request.node.name.replace(str(choice), "").strip("[]-")
    return random.Random(f"{choice.seed} {name}")


@pytest.fixture
def count(request: pytest.FixtureRequest, choice: Choice) -> int:
    """How many sessions this test interrupts: its share of all."""
    share = request.node.get_closest_marker("share")
    return choice.part(share.args[0] if share else 1)


@pytest.fixture
def start_server(models: Path, tmp_path: Path) -> Iterator[StartServer]:
    """Starts scripted servers, which end with the test; ``arguments`` go to the program.

    With ``program`` other servers, such as the real one.
    """
    with ExitStack() as stack:

        def start(
            *arguments: str,
            data: Path | None = None,
            settings: dict[str, str] | None = None,
            program: tuple[str, ...] = (str(PROGRAM),),
        ) -> ServerProcess:
            chosen = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_MAX_SESSIONS": "1000"}
            chosen["VIVAVOCE_DISK_RESERVE"] = "0"  # some disks here are small
            # Callers wait for each other in mid-sentence: that is a mute, which ends it.
            chosen["VIVAVOCE_MUTE_FINALIZE"] = "0"
            server = ServerProcess(
                data or tmp_path / "data",
                chosen | (settings or {}),
                port=lasting_port(),
                arguments=arguments,
                program=program,
            )
            return stack.enter_context(server.running())

        yield start


@pytest.fixture
def scripted(start_server: StartServer) -> ServerProcess:
    """A server with the scripted engine, for this test alone."""
    return start_server()


REAL = ("-m", "vivavoce", "serve")


@pytest.fixture
def real(start_server: StartServer) -> ServerProcess:
    """A server with the real engine, for this test alone."""
    return start_server(program=REAL)


@pytest.fixture(scope="session")
def passages(models: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Passage]:
    """Different passages of speech with what the scripted engine hears when nothing breaks."""
    return undisturbed(models, tmp_path_factory.mktemp("undisturbed") / "data", (str(PROGRAM),))


@pytest.fixture(scope="session")
def real_passages(models: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Passage]:
    """The same with the real engine."""
    return undisturbed(models, tmp_path_factory.mktemp("undisturbed-real") / "data", REAL)


def undisturbed(models: Path, data: Path, program: tuple[str, ...]) -> list[Passage]:
    """What a server makes of the passages when nothing breaks."""
    whole = spoken(WHOLE).audio
    size = SECOND * PASSAGE_SECONDS
    parts = [whole[at * size : (at + 1) * size] for at in range(PASSAGES)]

    async def heard(url: str) -> list[Passage]:
        api = Api(url)
        told = await asyncio.gather(*(spoken_through(api, [part]) for part in parts))
        return [
            Passage(part, finals(talking.heard), await result_of(api, made))
            for part, (made, talking) in zip(parts, told, strict=True)
        ]

    with ServerProcess(data, {"VIVAVOCE_MODELS": str(models)}, program=program).running() as server:
        found = asyncio.run(heard(server.url))
    assert all(passage.finals for passage in found)
    return found


async def result_of(api: Api, made: Session) -> dict[str, object]:
    """The stored result of a session."""
    return dict((await api.done(made.id))["result"])
