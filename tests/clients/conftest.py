"""One real server for all clients, and a look at what it kept of each session."""

import io
import json
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from integration.conftest import models
from integration.server_process import KEY, ServerProcess

__all__ = ["models", "server"]

DONE_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as its user sees it."""

    url: str
    key: str

    @property
    def live(self) -> str:
        """What plugins are pointed at."""
        return f"{self.url}/v2/live"

    def finished(self, session: str) -> dict[str, Any]:
        """The job of a session once it is done."""
        until = time.monotonic() + DONE_TIMEOUT
        while True:
            job: dict[str, Any] = self._get(f"/{session}").json()
            if job["status"] == "done":
                return job
            assert job["status"] != "error", json.dumps(job)[:2000]
            assert time.monotonic() < until, f"still {job['status']}"
            time.sleep(0.1)

    def recording(self, session: str) -> bytes:
        """The samples of a session's recording."""
        with wave.open(io.BytesIO(self._get(f"/{session}/file").content)) as file:
            samples: bytes = file.readframes(file.getnframes())
        return samples

    def _get(self, path: str) -> httpx.Response:
        headers = {"x-gladia-key": self.key}
        return httpx.get(self.live + path, headers=headers).raise_for_status()


@pytest.fixture(scope="session")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own on a free port, for as long as the tests run."""
    data = tmp_path_factory.mktemp("server") / "data"
    with ServerProcess(data, {"VIVAVOCE_MODELS": str(models)}).running() as process:
        yield Server(process.url, KEY)
