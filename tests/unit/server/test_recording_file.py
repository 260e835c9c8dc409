"""The recording of a session as a browser gets it."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from vivavoce.archive.port import Recording
from vivavoce.server.keys import KeyRing, digest
from vivavoce.server.routes import LiveRoutes

ID = "45463597-20b7-4af7-b3b3-f5fb778203ab"


class Shelf:
    """One recording, in a file or elsewhere."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    async def find(self, _: str) -> Recording:
        return Recording(4, self._path)

    async def read(self, _: str) -> AsyncIterator[bytes]:
        yield b"RIFF"


@pytest.mark.parametrize("stored", ["file", "elsewhere"])
async def test_a_recording_is_saved_and_not_shown(tmp_path: Path, stored: str) -> None:
    """Where it was no local file it had no disposition."""
    (tmp_path / "recording").write_bytes(b"RIFF")

    async def get(*_: str) -> Any:
        return SimpleNamespace(id=ID)

    unused: Any = None
    records: Any = SimpleNamespace(summary=get)
    recordings: Any = Shelf(tmp_path / "recording" if stored == "file" else None)
    routes = LiveRoutes(
        sessions=unused,
        records=records,
        recordings=recordings,
        keys=KeyRing({digest("the key"): "default"}),
        deliveries=unused,
        refusal=unused,
        public_url=None,
        wall=lambda: 0.0,
        metrics=unused,
        handshake_gate=unused,
        reception=unused,
        disk=unused,
    )
    app = Starlette(routes=[Route("/v2/live/{id}/file", routes.file)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get(f"/v2/live/{ID}/file", headers={"x-gladia-key": "the key"})
    assert (answer.status_code, answer.content) == (200, b"RIFF")
    assert answer.headers["content-disposition"] == f'attachment; filename="{ID}.wav"'
    assert answer.headers["content-type"] == "application/octet-stream"
