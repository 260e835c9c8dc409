"""A real server for the tests of the API documents, whose unused sessions end soon."""

from collections.abc import Iterator

import pytest

from integration.server_process import ServerProcess
from vivavoce.places import models_folder
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices

SETTINGS = {
    "VIVAVOCE_CONNECT_LIMIT": "2",
    "VIVAVOCE_MAX_SESSIONS": "100000",
    "VIVAVOCE_MAX_UNOPENED": "100000",
    "VIVAVOCE_CALLBACK_NETWORKS": "127.0.0.0/8",
    "VIVAVOCE_CALLBACK_PORTS": "9",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of the module's own."""
    try:
        Voices(ModelStore(models_folder())).check()
    except ModelError as error:
        pytest.skip(f"run make models: {error}")
    data = tmp_path_factory.mktemp("server") / "data"
    with ServerProcess(data, SETTINGS).running() as process:
        yield process
