"""What we use of uvicorn beyond its public API: an upgrade that changes it fails here.

docs/decisions/0018-server-protocols.md says why each is needed.
"""

import inspect
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.server import ServerState

import vivavoce.server.http
from vivavoce.server.http.protocol import HttpProtocol


async def app(_scope: object, _receive: object, _send: object) -> None:
    """Never called."""


def test_the_configuration_takes_any_callable_as_the_protocol() -> None:
    make: Any = partial(dict)
    config = uvicorn.Config(app, http=make, ws=make, lifespan="off", log_config=None)
    config.load()
    assert config.http_protocol_class is make
    assert config.ws_protocol_class is make
    assert callable(config.loaded_app)
    assert config.root_path == ""
    assert config.asgi_version == "3.0"


def test_the_server_calls_the_protocol_with_these_names_alone() -> None:
    source = inspect.getsource(uvicorn.Server.startup)
    call = source.partition("config.http_protocol_class(")[2].partition("\n            )")[0]
    passed = {line.strip().partition("=")[0] for line in call.splitlines()[1:] if "=" in line}
    assert passed == {"config", "server_state", "app_state", "_loop"}
    taken = inspect.signature(HttpProtocol).parameters
    assert set(taken) == passed | {"context"}


def test_the_servers_state_has_what_connections_note_there() -> None:
    state = ServerState()
    assert state.connections == set()
    assert state.tasks == set()
    assert state.total_requests == 0
    assert state.default_headers == []


def test_the_server_ends_connections_by_their_shutdown_alone() -> None:
    source = inspect.getsource(uvicorn.Server.shutdown)
    assert "connection.shutdown()" in source
    waits = inspect.getsource(uvicorn.Server._wait_tasks_to_complete)  # noqa: SLF001
    assert "self.server_state.connections" in waits


def test_nothing_else_of_uvicorn_is_imported() -> None:
    folder = Path(vivavoce.server.http.__file__).parent
    lines = {
        line
        for path in folder.glob("*.py")
        for line in path.read_text().splitlines()
        if "uvicorn" in line and line.startswith(("import", "from"))
    }
    assert lines == {
        "from uvicorn.config import Config",
        "from uvicorn.server import ServerState",
    }
