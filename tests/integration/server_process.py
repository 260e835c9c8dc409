"""A real ``vivavoce serve`` process on a loopback port."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

KEY = "a-key-for-tests"
ANYBODY = {"VIVAVOCE_MAX_LOAD": "0"}
"""Tests make more sessions than they speak in: nobody is turned away unless a test asks for it."""

START_SECONDS = 60
STOP_SECONDS = 30


def clean_environment() -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    ours = ("VIVAVOCE_", "GLADIA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def lasting_port() -> int:
    """A free port that the system gives to no client as its own end.

    Who knocks again and again at one of those, while its server is away, may reach itself.
    """
    while True:
        port = random.randint(10_000, 32_000)  # clients' ends begin at 32768 on Linux
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


class ServerProcess:
    """A server on a data folder; it may be stopped or killed, and started again.

    Attributes:
        url: base URL; the port stays the same from the first start on.
        said: lines of standard output up to the readiness line.
    """

    def __init__(
        self,
        data: Path,
        settings: Mapping[str, str],
        *,
        key: str | None = KEY,
        port: int = 0,
        arguments: Sequence[str] = (),
        program: Sequence[str] = ("-m", "vivavoce", "serve"),
        python: str = sys.executable,
    ) -> None:
        self.url = ""
        self.said: list[str] = []
        self._log = data.with_suffix(".log")
        self._settings = {**ANYBODY, **settings, **({"VIVAVOCE_API_KEY": key} if key else {})}
        self._arguments = arguments
        self._program = (python, *program)
        self._port = port
        self.data = data
        self._process: subprocess.Popen[str]

    def start(self) -> Self:
        """Start and wait for the readiness line."""
        self.launch()
        return self.ready()

    def launch(self) -> None:
        """Start, and wait for nothing."""
        command = [*self._program, "--port", str(self._port)]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--data", str(self.data), *self._arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean_environment() | self._settings,
            )
        self.said = []

    def ready(self) -> Self:
        """Wait for the readiness line of a server that was launched."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith("ready "):
                self.url = line.split()[1]
                self._port = int(self.url.rsplit(":", 1)[1])
                return self
        raise AssertionError(f"exit code {self.wait()}: {self.log[-2000:]}")

    @property
    def log(self) -> str:
        """Everything on standard error so far."""
        return self._log.read_text()

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def terminate(self) -> int:
        """Ask it to stop as an operator would; gives the exit code."""
        self._process.terminate()
        return self.wait()

    def kill(self) -> int:
        """End it without warning."""
        self._process.send_signal(signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, whoever brings it about; gives the exit code."""
        code = self._process.wait(STOP_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Started, and stopped at the end if it still runs."""
        try:
            yield self.start()
        finally:
            if self.alive:
                self.terminate()
