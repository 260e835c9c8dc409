"""Engines of other packages, found by their entry points."""

from pathlib import Path

import msgspec
import pytest

from vivavoce.recognition.catalogue import Model
from vivavoce.recognition.contract import DecodeRequest
from vivavoce.recognition.engines.scripted import sing
from vivavoce.recognition.foreign import read_entry
from vivavoce.recognition.loading import has_engine, load_engine, load_model
from vivavoce.recognition.model_errors import CatalogueError, ModelError
from vivavoce.testing import check_engine

PARROT = """
from vivavoce.recognition.engines import scripted

def load(model, folder):
    return scripted.load(languages=model.languages)

class Sentences:
    languages = frozenset({"en"})
    def punctuate(self, text):
        return text.capitalize() + "."

def load_punctuation(model, folder):
    return Sentences()
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model of an engine that an installed package offers."""
    site = tmp_path / "site"
    info = site / "parrot-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "parrot_engine.py").write_text(PARROT)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[vivavoce.engines]\nparrot = parrot_engine:load\n"
        "[vivavoce.punctuators]\nsentences = parrot_engine:load_punctuation\n"
    )
    monkeypatch.syspath_prepend(str(site))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.toml").write_text('engine = "parrot"\nlanguages = ["en"]\n')
    return read_entry(folder)


def test_an_engine_of_another_package_is_found_and_keeps_the_contract(
    model: Model, tmp_path: Path
) -> None:
    assert has_engine(model)
    speech = [sing("alfa bravo"), sing("golf")]
    outcomes = list(check_engine(lambda: load_engine(model, tmp_path), speech, "en"))
    assert [outcome.sentence for outcome in outcomes if not outcome.passed] == []


def test_a_worker_loads_it_by_the_name_of_its_folder(model: Model, tmp_path: Path) -> None:
    engine = load_model(model.id, str(tmp_path / "model"))
    assert engine.capabilities.languages == {"en"}


def test_a_model_may_ask_for_punctuation_of_another_package(model: Model, tmp_path: Path) -> None:
    with_marks = msgspec.structs.replace(model, options={"punctuation": "sentences"})
    request = DecodeRequest(sing("alfa bravo"), "final", "en")
    assert load_engine(model, tmp_path).decode([request])[0].text == "alfa bravo"
    engine = load_engine(with_marks, tmp_path)
    assert engine.decode([request])[0].text == " Alfa bravo."
    assert engine.capabilities.punctuates


def test_what_nothing_offers_is_named(model: Model, tmp_path: Path) -> None:
    unknown = msgspec.structs.replace(model, engine="cockatoo")
    assert not has_engine(unknown)
    with pytest.raises(ModelError, match="no engine can load model"):
        load_engine(unknown, tmp_path)
    silent = msgspec.structs.replace(model, options={"punctuation": "commas"})
    with pytest.raises(ModelError, match="'commas', and nothing offers that"):
        load_engine(silent, tmp_path)


@pytest.mark.parametrize(
    ("files", "engine"),
    [({"model.bin", "config.json"}, "whisper"), ({"tokens.txt", "model.int8.onnx"}, "sherpa")],
)
def test_a_folder_is_known_by_its_files(tmp_path: Path, files: set[str], engine: str) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert read_entry(tmp_path).engine == engine


def test_a_folder_that_nobody_knows_must_describe_itself(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"model\.toml"):
        read_entry(tmp_path)
    (tmp_path / "model.toml").write_text("engine = 7")
    with pytest.raises(CatalogueError, match="is wrong"):
        read_entry(tmp_path)
    with pytest.raises(CatalogueError, match="is no folder"):
        read_entry(tmp_path / "nowhere")
