"""What every fault test needs: a server to break, passages to say, and a ledger of it all."""

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faults.callers import Passage
from integration.conftest import models
from integration.server_process import ServerProcess
from integration.speech import WHOLE, spoken
from integration.wire import Api, finals, spoken_through

__all__ = ["models"]

PROGRAM = Path(__file__).with_name("scripted_server.py")
SEED = int(os.environ.get("FAULTS_SEED", "20261121"))
COUNT = int(os.environ.get("FAULTS_COUNT", "20"))
"""Sessions to interrupt in each of the tests that take as many as they are given."""

PASSAGES = 6
PASSAGE_SECONDS = 5
SECOND = 32_000

StartServer = Callable[..., ServerProcess]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The SDK opens its socket in a way that the websockets library wants to give up one day.
    ignored = pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(ignored)


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chance that repeats with the seed; its own for each test."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def count() -> int:
    """How many sessions to interrupt."""
    return COUNT


@pytest.fixture
def start_server(models: Path, tmp_path: Path) -> Iterator[StartServer]:
    """Starts scripted servers, which end with the test; ``arguments`` go to the program."""
    with ExitStack() as stack:

        def start(
            *arguments: str, data: Path | None = None, settings: dict[str, str] | None = None
        ) -> ServerProcess:
            chosen = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_MAX_SESSIONS": "1000"}
            server = ServerProcess(
                data or tmp_path / "data",
                chosen | (settings or {}),
                arguments=arguments,
                program=(str(PROGRAM),),
            )
            return stack.enter_context(server.running())

        yield start


@pytest.fixture
def scripted(start_server: StartServer) -> ServerProcess:
    """A server with the scripted engine, for this test alone."""
    return start_server()


@pytest.fixture(scope="session")
def passages(models: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Passage]:
    """Different passages of speech with what the scripted engine hears when nothing breaks."""
    whole = spoken(WHOLE).audio
    parts = [
        whole[at * SECOND * PASSAGE_SECONDS : (at + 1) * SECOND * PASSAGE_SECONDS]
        for at in range(PASSAGES)
    ]

    async def undisturbed(url: str) -> list[Passage]:
        talks = [spoken_through(Api(url), [part]) for part in parts]
        told = [finals(talking.heard) for _, talking in await asyncio.gather(*talks)]
        return [Passage(part, heard) for part, heard in zip(parts, told, strict=True)]

    data = tmp_path_factory.mktemp("undisturbed") / "data"
    settings = {"VIVAVOCE_MODELS": str(models)}
    with ServerProcess(data, settings, program=(str(PROGRAM),)).running() as server:
        found = asyncio.run(undisturbed(server.url))
    assert all(passage.finals for passage in found)
    return found


@dataclass(slots=True)
class Row:
    """What came of one kind of fault."""

    interrupted: int = 0
    sessions: int = 0
    failed: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Ledger:
    """Counts what was interrupted by which kind of fault, for the table at the end."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = defaultdict(Row)

    @contextmanager
    def fault(self, kind: str) -> Iterator[Row]:
        """Count under a kind; the time in the block is added."""
        row = self.rows[kind]
        begun = time.monotonic()
        try:
            yield row
        except BaseException:
            row.failed += 1
            raise
        finally:
            row.seconds += time.monotonic() - begun


LEDGER = Ledger()


@pytest.fixture
def ledger() -> Ledger:
    """The ledger of the run."""
    return LEDGER


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not LEDGER.rows:
        return
    terminalreporter.section(f"faults, seed {SEED}")
    line = "{:<44} {:>9} {:>12} {:>7} {:>8}  {}".format
    terminalreporter.line(line("fault", "sessions", "interrupted", "failed", "seconds", ""))
    for kind, row in LEDGER.rows.items():
        counts = (row.sessions, row.interrupted, row.failed, f"{row.seconds:.1f}")
        terminalreporter.line(line(kind, *counts, "; ".join(row.notes)))
