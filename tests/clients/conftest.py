"""One real server for all clients, and a look at what it kept of each session."""

import io
import json
import os
import secrets
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

START_TIMEOUT = 120.0
DONE_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as its user sees it."""

    url: str
    key: str

    @property
    def live(self) -> str:
        return f"{self.url}/v2/live"

    @property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"x-gladia-key": self.key})

    def finished(self, session: str) -> dict[str, Any]:
        """The job of a session once it is done; the time it may take is bounded."""
        until = time.monotonic() + DONE_TIMEOUT
        with self.http as http:
            while True:
                job: dict[str, Any] = http.get(f"/v2/live/{session}").json()
                if job["status"] in {"done", "error"} or time.monotonic() > until:
                    assert job["status"] == "done", json.dumps(job)[:2000]
                    return job
                time.sleep(0.1)

    def recording(self, session: str) -> bytes:
        """The samples of a session's recording."""
        with self.http as http:
            answer = http.get(f"/v2/live/{session}/file").raise_for_status()
        with wave.open(io.BytesIO(answer.content)) as file:
            samples: bytes = file.readframes(file.getnframes())
        return samples


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own on a free port, for as long as the tests run."""
    folder = tmp_path_factory.mktemp("server")
    key = secrets.token_urlsafe(24)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vivavoce", "serve", "--host", "127.0.0.1", "--port", "0"],
            env={**os.environ, "VIVAVOCE_DATA": str(folder / "data"), "VIVAVOCE_API_KEY": key},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield Server(_ready(process, folder / "server.log"), key)
    finally:
        process.terminate()
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


def _ready(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready "):
            return line.removeprefix("ready ").strip()
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")
