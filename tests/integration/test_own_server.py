"""A server as a child process: started, waited for, taken down."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from vivavoce.cli import own_server as module
from vivavoce.cli.failures import ServerStartError
from vivavoce.cli.own_server import own_server

STAND_IN = """
import os, signal, sys, time
from pathlib import Path
Path(os.environ["VIVAVOCE_DATA"]).mkdir()
print("loading …", flush=True)
print("ready http://127.0.0.1:4711", flush=True)
Path(sys.argv[1]).write_text(f"{os.getpid()} {os.environ['VIVAVOCE_API_KEY']}")
while True:
    print("x" * 1000, flush=True)
    time.sleep(0.0001)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_the_server_lives_as_long_as_the_block(tmp_path: Path) -> None:
    note = tmp_path / "note"
    async with own_server(command=(sys.executable, "-c", STAND_IN, str(note))) as server:
        assert server.url == "http://127.0.0.1:4711"
        while not (note.exists() and note.read_text()):  # noqa: ASYNC110  written by the child
            await asyncio.sleep(0.01)
        pid, key = note.read_text().split()
        assert key == server.api_key
        assert alive(int(pid))
    assert not alive(int(pid))


async def test_a_server_that_ends_at_once_is_quoted() -> None:
    script = "import sys; print('on stdout'); sys.exit('the models are missing')"
    with pytest.raises(ServerStartError) as raised:
        async with own_server(command=(sys.executable, "-c", script)):
            pass
    text = str(raised.value)
    assert text.startswith("the server ended with exit code 1")
    assert "on stdout" in text
    assert "the models are missing" in text


async def test_a_server_that_never_gets_ready_is_taken_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "START_TIMEOUT", 0.3)
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(ServerStartError, match=r"not ready after 0\.3 s"):
        async with own_server(command=command):
            pass
