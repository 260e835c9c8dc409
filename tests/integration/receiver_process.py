"""A real process that receives callbacks and webhooks, and fails as the test tells it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec
import trustme

from integration import scripted_receiver
from integration.scripted_receiver import Command, Received, Step

POLL_SECONDS = 0.02
STOP_SECONDS = 10

OK = Step()
BROKEN = Step(status=500)
"""An error of the endpoint's own."""


def busy(seconds: int) -> Step:
    """429 with a Retry-After."""
    return Step(status=429, headers={"retry-after": str(seconds)})


def redirect(to: str, status: int = 307) -> Step:
    """A redirect."""
    return Step(status=status, headers={"location": to})


class ReceiverProcess:
    """An endpoint on a loopback port; it may be told to fail, killed, and started again.

    Attributes:
        url: base URL without a path; the port stays the same from the first start on.
    """

    def __init__(
        self,
        log: Path,
        *,
        certificate: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._log = log
        self._tls = ["--certificate", str(certificate)] if certificate else []
        self._host = host
        self._port = port
        self._process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def start(self) -> Self:
        """Start, on the same port as before if there was one; every path answers 200."""
        arguments = ["--log", str(self._log), "--port", str(self._port), *self._tls]
        self._process = subprocess.Popen(
            [sys.executable, scripted_receiver.__file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._port = int(self._line())
        return self

    def kill(self) -> None:
        """``kill -9``."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=STOP_SECONDS)

    def stop(self) -> None:
        """End it in order, if it still runs."""
        if self._process.poll() is None:
            self._process.communicate(timeout=STOP_SECONDS)

    def tell(self, *steps: Step, then: Step = OK, path: str = "*") -> None:
        """What the next requests to ``path`` get, one step each, and what all after them get."""
        self._command(Command(path, steps, then))

    def refuse(self) -> None:
        """Refuse connections and cut the open ones, until ``tell`` is called."""
        self._command(Command(listening=False))

    def received(self, path: str | None = None) -> list[Received]:
        """Every request so far, in order of arrival, also of earlier runs with the same log."""
        whole, _, _ = self._log.read_bytes().rpartition(b"\n")
        lines = (msgspec.json.decode(line, type=Received) for line in whole.splitlines())
        return [one for one in lines if path in (None, one.path)]

    def taken(self, path: str | None = None) -> list[Received]:
        """Those that were answered with success, also where the sender never learned of it."""
        return [
            one
            for one in self.received(path)
            if one.did.do in ("answer", "slow") and one.did.status // 100 == 2
        ]

    def accepted(self, path: str | None = None) -> list[Received]:
        """Those that were answered with success, the first of each ``webhook-id``."""
        first: dict[str, Received] = {}
        for one in self.taken(path):
            first.setdefault(one.headers.get("webhook-id", str(one.order)), one)
        return list(first.values())

    def until(self, enough: Callable[[Self], bool], seconds: float = 10) -> None:
        """Wait until ``enough`` holds."""
        end = time.monotonic() + seconds
        while not enough(self):
            assert time.monotonic() < end, f"only {len(self.received())} requests came"
            time.sleep(POLL_SECONDS)

    def _command(self, command: Command) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")
        self._process.stdin.flush()
        assert self._line() == b"done"

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().rstrip()
        assert line, f"the receiver ended with {self._process.wait(STOP_SECONDS)}"
        return line


@contextmanager
def receiving(
    log: Path, *, certificate: Path | None = None, host: str = "127.0.0.1"
) -> Iterator[ReceiverProcess]:
    """A receiver that is stopped at the end."""
    process = ReceiverProcess(log, certificate=certificate, host=host).start()
    try:
        yield process
    finally:
        process.stop()


class Authority:
    """A certificate authority of the test's own, which nobody else trusts.

    Attributes:
        root: PEM file of what to trust.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self.root = folder / "root.pem"
        self._authority.cert_pem.write_to_path(str(self.root))

    def certificate(self, *names: str) -> Path:
        """PEM file with key and chain for these hosts or addresses."""
        path = self._folder / f"{names[0]}.pem"
        self._authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path


def scripts() -> Sequence[Step]:
    """Every way to misbehave, for tests that try them all."""
    return [Step(deed) for deed in scripted_receiver.MISDEEDS]  # type: ignore[arg-type]  # its keys
