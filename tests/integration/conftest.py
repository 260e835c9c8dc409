"""A server for the whole run, and the check that there is speech and somebody to understand it."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from integration import wire
from integration.server_process import ServerProcess
from integration.speech import models_folder
from integration.wire import Api
from integration.witness import Witness
from vivavoce.recognition.catalogue import load_catalogue
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore


@pytest.fixture(autouse=True)
def witness(monkeypatch: pytest.MonkeyPatch) -> Witness:
    """Sees every session of the test."""
    watching = Witness()
    monkeypatch.setattr(wire, "witness", watching)
    return watching


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Hold every session of the test against the promises while its server still runs."""
    yield
    funcargs: dict[str, object] = getattr(item, "funcargs", {})
    watching = funcargs.get("witness")
    assert isinstance(watching, Witness)
    watching.check()


@pytest.fixture(scope="session")
def models() -> Path:
    """Where the models and samples are that the server starts with; skip where they are not."""
    store = ModelStore(models_folder())
    try:
        for model in load_catalogue().models:
            if model.default:
                store.path(model)
    except ModelError:
        pytest.skip("run make models")
    return models_folder()


@pytest.fixture(scope="session")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for every test that does not take it down."""
    data = tmp_path_factory.mktemp("server") / "data"
    with ServerProcess(data, {"VIVAVOCE_MODELS": str(models)}).running() as process:
        yield process


@pytest.fixture
def api(server: ServerProcess) -> Api:
    """The shared server's HTTP routes."""
    return Api(server.url)


@pytest.fixture
def own(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server for this test alone, on which a client that waits ends no utterance.

    Tests send audio faster than it is spoken, and a loaded machine takes its time to hear it.
    """
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_MUTE_FINALIZE": "0"}
    with ServerProcess(tmp_path / "data", settings).running() as process:
        yield process


@pytest.fixture
def english_only(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that has the English model alone."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("moonshine-tiny-en", "silero-vad-6.2"):
        (folder / name).symlink_to(models / name)
    with ServerProcess(tmp_path / "data", {"VIVAVOCE_MODELS": str(folder)}).running() as process:
        yield process


@pytest.fixture
def own_whisper(models: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose operator prefers a Whisper in a folder, for English too."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in (models / "whisper-base").iterdir():
        if file.name != "manifest.json":
            (folder / file.name).symlink_to(file)
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_USE_MODELS": str(folder)}
    with ServerProcess(tmp_path / "data", settings).running() as process:
        yield process
