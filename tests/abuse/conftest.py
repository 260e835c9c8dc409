"""A server to attack, and the table of every attack at the end of the run."""

import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from abuse.measure import ROWS, Row
from abuse.process import MEBIBYTE, memory
from abuse.rounds import SECONDS
from integration.conftest import models
from integration.server_process import ServerProcess, lasting_port
from integration.wire import Api

__all__ = ["models"]

StartServer = Callable[..., ServerProcess]

PYTHON = os.environ.get("ABUSE_PYTHON", sys.executable)
"""Whose server is attacked: another environment's Python may have another version installed."""

WELL = 250
"""MiB of a server at rest, at the most."""

PROGRAM = Path(__file__).parents[1] / "faults" / "scripted_server.py"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ROWS:
        return
    terminalreporter.section(f"attacks, {SECONDS:g} s each")
    for line in table(ROWS):
        terminalreporter.line(line)


def table(rows: list[Row]) -> list[str]:
    """The rows as text."""
    wide = max(len(row.attack) for row in rows)
    head = f"{'attack':{wide}}  growth MiB  kept MiB  calm p99  p99 ms  max ms  left  verdict"
    lines = [head, "-" * len(head)]
    for row in rows:
        left = "-" if row.left is None else str(row.left)
        if not row.measured:
            lines.append(f"{row.attack:{wide}}{left:>54}  {'; '.join(row.faults) or 'ok'}")
            continue
        verdict = "; ".join(row.faults) or "ok"
        lines.append(
            f"{row.attack:{wide}}  {row.growth:10.0f}  {row.kept:8.0f}  {row.calm * 1000:8.0f}  "
            f"{row.slow * 1000:6.0f}  {row.worst * 1000:6.0f}  {left:>4}  {verdict}"
            + (f" ({row.note})" if row.note else "")
        )
    return lines


@contextmanager
def soft_limit_of_descriptors(most: int | None) -> Iterator[None]:
    """What is started within the block may open so many."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def start_server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts servers with the scripted engine, which end with the module."""
    with ExitStack() as stack:

        def start(*, descriptors: int | None = None, **settings: str) -> ServerProcess:
            chosen = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_MAX_SESSIONS": "1000"}
            server = ServerProcess(
                tmp_path_factory.mktemp("attacked") / "data",
                chosen | settings,
                port=lasting_port(),
                program=(str(PROGRAM),),
                python=PYTHON,
            )
            with soft_limit_of_descriptors(descriptors):
                return stack.enter_context(server.running())

        yield start


@pytest.fixture(scope="module")
def family(start_server: StartServer) -> ServerProcess:
    """The server of a family of attacks."""
    return start_server()


@pytest.fixture
def attacked(family: ServerProcess) -> ServerProcess:
    """The same; a new process where the last attack has left its mark."""
    if not family.alive or memory(family.pid) > WELL * MEBIBYTE:
        if family.alive:
            family.kill()
        family.start()
    return family


@pytest.fixture
def api(attacked: ServerProcess) -> Api:
    """Its routes."""
    return Api(attacked.url)
