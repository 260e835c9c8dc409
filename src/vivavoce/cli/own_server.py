"""Runs a private server: a child process on a free port with a temporary data folder."""

import asyncio
import secrets
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from vivavoce.child_process import (
    COMPUTING,
    FETCHING,
    NEUTRAL_FOLDER,
    clean_environment,
    interpreter,
)
from vivavoce.cli.failures import ServerStartError

START_TIMEOUT = 120.0
"""Seconds until the server must be ready; loading models from a cold disk can be slow."""
STOP_TIMEOUT = 20.0
READY = "ready "
LOG_LINES = 12
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
SERVE = (*interpreter("vivavoce"), "serve", "--host", "127.0.0.1", "--port", "0")
SETTINGS = frozenset({"VIVAVOCE_*"})
MODEL_LISTS = ("VIVAVOCE_USE_MODELS", "VIVAVOCE_FAST_MODELS", "VIVAVOCE_ACCURATE_MODELS")


@dataclass(frozen=True, slots=True)
class OwnServer:
    """The child's address, the key it accepts, and its process."""

    url: str
    api_key: str
    pid: int


@asynccontextmanager
async def own_server(
    models: Path | None = None,
    *,
    command: Sequence[str] = SERVE,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[OwnServer]:
    """Start a server, wait until it is ready, and shut it down at the end.

    Args:
        models: folder of the models; by default, the server's.
        command: the program.
        settings: additional environment variables, such as ``VIVAVOCE_WORKERS``.

    Raises:
        ServerStartError: it did not start; the text contains the end of its log.
    """
    if find_spec("starlette") is None:
        raise ServerStartError("a server of its own needs: pip install 'vivavoce[server]'")
    key = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="vivavoce-", ignore_cleanup_errors=True) as folder:
        log = Path(folder, "server.log")
        environment = {**_environment(Path(folder, "data"), key, models), **settings}
        process = await _spawn(command, environment, log)
        _leave_on_termination()
        try:
            url = await _wait_until_ready(process, log)
            draining = asyncio.create_task(_drain(process), name="drain the server's output")
            try:
                yield OwnServer(url, key, process.pid)
            finally:
                draining.cancel()
        finally:
            await _terminate(process)


def _environment(data: Path, key: str, models: Path | None) -> dict[str, str]:
    """Return the user's settings, with paths made valid in the child's folder."""
    # The key is passed in the environment: every user of the machine can read arguments.
    environment = clean_environment(COMPUTING, FETCHING, SETTINGS) | {
        "VIVAVOCE_DATA": str(data),
        "VIVAVOCE_API_KEY": key,
    }
    chosen = models or environment.get("VIVAVOCE_MODELS")
    if chosen:
        environment["VIVAVOCE_MODELS"] = str(Path(chosen).absolute())
    for name in MODEL_LISTS:
        if listed := environment.get(name):
            environment[name] = ",".join(map(_absolute_model, listed.split(",")))
    return environment


def _absolute_model(name: str) -> str:
    """Return a model's name, a folder as an absolute path; ``de=`` may precede it."""
    language, equals, model = name.strip().rpartition("=")
    is_folder = "/" in model and not model.startswith(("hub:", "~"))
    return f"{language}{equals}{Path(model).absolute() if is_folder else model}"


async def _spawn(
    command: Sequence[str], environment: dict[str, str], log: Path
) -> asyncio.subprocess.Process:
    with log.open("wb") as stderr:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment,
            cwd=NEUTRAL_FOLDER,
            start_new_session=True,  # Ctrl-C must not stop the server before the session ends
        )


def _leave_on_termination() -> None:
    """Clean up on SIGTERM, whose default action would leave the child running."""
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, other threads
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _wait_until_ready(process: asyncio.subprocess.Process, log: Path) -> str:
    """Return the address from the line ``ready http://…``."""
    said: list[str] = []
    try:
        async with asyncio.timeout(START_TIMEOUT):
            async for line in _output(process):
                if line.startswith(READY):
                    return line.removeprefix(READY).strip()
                said.append(line)
    except TimeoutError as error:
        raise _not_started(f"was not ready after {START_TIMEOUT:g} s", said, log) from error
    code = await process.wait()
    raise _not_started(f"ended with exit code {code}", said, log)


def _not_started(why: str, said: list[str], log: Path) -> ServerStartError:
    lines = [*said, *log.read_text(errors="replace").splitlines()][-LOG_LINES:]
    return ServerStartError("\n".join([f"the server {why}", *lines]))


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Keep reading, so that a full pipe does not block the server."""
    async for _line in _output(process):
        pass


async def _output(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None  # noqa: S101  piped at the start
    async for line in process.stdout:
        yield line.decode(errors="replace").rstrip("\n")


async def _terminate(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
