"""How ``vivavoce serve`` starts, and how it refuses to."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from integration.server_process import KEY, START_SECONDS, ServerProcess, clean_environment
from integration.wire import Api


def refused(*arguments: str | Path, **settings: str) -> str:
    """Start a server that must not start; gives what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "vivavoce", "serve", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
        env=clean_environment() | settings,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def models_setting(models: Path) -> dict[str, str]:
    return {"VIVAVOCE_MODELS": str(models)}


def test_a_port_that_is_taken_is_named(models_setting: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("--port", str(port), "--data", tmp_path, **models_setting)
    assert f"127.0.0.1:{port}" in said
    assert "in use" in said


def test_a_setting_that_is_unknown_is_named(models_setting: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "vivavoce.toml"
    config.write_text("porrt = 8301\n")
    said = refused("--config", config, "--data", tmp_path, **models_setting)
    assert "porrt" in said


@pytest.mark.parametrize("written", ["port = 'x'", "port = 70000", "port ="])
def test_a_setting_that_does_not_fit_is_named(
    models_setting: dict[str, str], tmp_path: Path, written: str
) -> None:
    config = tmp_path / "vivavoce.toml"
    config.write_text(f"{written}\n")
    said = refused("--config", config, "--data", tmp_path, **models_setting)
    assert "port" in said or str(config) in said


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "missing.toml" in refused("--config", tmp_path / "missing.toml")


def test_missing_models_are_named_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    said = refused("--port", "0", "--data", tmp_path, "--models", tmp_path / "none")
    assert "vivavoce models pull" in said


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ("whisper-huge", "no model is called 'whisper-huge'"),
        ("moonshine-tiny-en,de=moonshine-tiny-en", "does not speak de"),
        ("./nowhere", "is no folder"),
    ],
)
def test_a_model_that_cannot_be_had_is_named(
    models_setting: dict[str, str], tmp_path: Path, wish: str, reason: str
) -> None:
    said = refused("--data", tmp_path, VIVAVOCE_USE_MODELS=wish, **models_setting)
    assert "use_models" in said
    assert reason in said


def test_a_second_server_on_a_data_folder_is_refused(
    models_setting: dict[str, str], tmp_path: Path
) -> None:
    with ServerProcess(tmp_path / "data", models_setting).running() as first:
        said = refused("--port", "0", "--data", tmp_path / "data", **models_setting)
        assert httpx.get(f"{first.url}/health").status_code == 200
    assert str(tmp_path / "data") in said


@pytest.mark.parametrize("name", ["journal.db", "records.db", "keys.json"])
def test_a_damaged_file_is_named_and_left_alone(
    models_setting: dict[str, str], tmp_path: Path, name: str
) -> None:
    damaged = tmp_path / name
    damaged.write_bytes(b"noise" * 1000)
    said = refused("--port", "0", "--data", tmp_path, **models_setting)
    assert name in said
    assert damaged.read_bytes() == b"noise" * 1000


def test_a_server_that_others_can_reach_must_have_a_key(
    models_setting: dict[str, str], tmp_path: Path
) -> None:
    said = refused("--host", "0.0.0.0", "--port", "0", "--data", tmp_path, **models_setting)  # noqa: S104  it must not come to listen
    assert "key" in said


async def test_a_key_is_made_at_the_first_start_and_shown_only_then(
    models_setting: dict[str, str], tmp_path: Path
) -> None:
    own = ServerProcess(tmp_path / "data", models_setting, key=None)
    with own.running():
        (shown,) = [line for line in own.said if "key" in line.lower()]
        key = shown.split()[-1]
        assert (await Api(own.url, key).create()).id
        assert own.terminate() == 0
        own.start()
        assert not [line for line in own.said if "key" in line.lower()]
        assert (await Api(own.url, key).create()).id
        assert key not in own.log
    stored = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not [path for path in stored if key.encode() in path.read_bytes()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in stored if path.name == "keys.json")


async def test_health_and_readiness_can_be_asked_without_a_key(server: ServerProcess) -> None:
    health = await Api(server.url, "").call("GET", "/health")
    assert (health.status_code, health.json()) == (200, {"health": "OK"})
    async with asyncio.timeout(START_SECONDS):  # models are loaded after the first answers
        while (ready := await Api(server.url, "").call("GET", "/ready")).status_code == 503:  # noqa: ASYNC110  a process apart
            await asyncio.sleep(0.1)
    assert (ready.status_code, ready.json()["ready"]) == (200, True)


def test_flags_go_over_the_environment_and_that_over_the_file(
    models_setting: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "vivavoce.toml"
    config.write_text('api_key = "from the file"\nworkers = 1\n')
    own = ServerProcess(tmp_path / "data", models_setting, arguments=("--config", str(config)))
    with own.running():
        accepted = httpx.get(f"{own.url}/v2/live", headers={"x-gladia-key": KEY})
        refused_ = httpx.get(f"{own.url}/v2/live", headers={"x-gladia-key": "from the file"})
    assert (accepted.status_code, refused_.status_code) == (200, 401)


def test_a_data_folder_that_others_can_write_is_warned_of(models: Path, tmp_path: Path) -> None:
    """A start took a folder of mode 0777 without a word."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    settings = {"VIVAVOCE_MODELS": str(models), "VIVAVOCE_WORKERS": "1"}
    with ServerProcess(data, settings).running() as server:
        assert '"data_folder_writable_by_others"' in server.log
        assert '"mode": "777"' in server.log
    data.chmod(0o700)
    mark = len(server.log)
    with server.running():
        assert "data_folder" not in server.log[mark:]


@pytest.mark.parametrize("wrong", ["nginx", "10.0.0.1/8"])
def test_a_proxy_that_is_neither_address_nor_network_is_named(tmp_path: Path, wrong: str) -> None:
    said = refused("--data", tmp_path, VIVAVOCE_TRUSTED_PROXIES=wrong)
    assert "trusted_proxies" in said
    assert wrong in said
