"""Which models listen, when the operator has wishes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vivavoce.protocol.request import InitRequest, LanguageConfig
from vivavoce.recognition.model_errors import ModelChoiceError
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import RUNTIME_MB, Voices

MakeFolder = Callable[[str, str], str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeFolder:
    """Makes a model's folder; the libraries of all engines seem to be installed."""
    monkeypatch.setattr("vivavoce.recognition.loading.find_spec", lambda _: object())

    def make(name: str, description: str) -> str:
        place = tmp_path / name
        place.mkdir(parents=True)
        (place / "model.toml").write_text(description)
        return str(place)

    return make


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def request(*languages: str) -> InitRequest:
    return InitRequest(language_config=LanguageConfig(languages))


def test_of_several_models_that_speak_a_language_the_first_does(
    folder: MakeFolder, store: ModelStore
) -> None:
    large = folder("large", 'engine = "whisper"\nlanguages = ["de", "en", "fr"]\n')
    small = folder("small", 'engine = "sherpa"\nlanguages = ["en", "ja"]\n')
    voices = Voices(store, [f"fr={large}", small, large])
    assert voices.languages == ("en", "de", "fr", "ja")
    engines = {code: voices.choose(request(code)).first for code in voices.languages}
    assert engines == {"en": "small", "de": "large", "fr": "large", "ja": "small"}
    assert set(voices.engines()) == {"small", "large"}


def test_the_model_that_speaks_most_languages_tells_them_apart(
    folder: MakeFolder, store: ModelStore
) -> None:
    few = folder("few", 'engine = "whisper"\nlanguages = ["de", "en"]\n')
    many = folder("many", 'engine = "whisper"\nlanguages = ["de", "fr", "it", "pt"]\n')
    assert Voices(store, [few, many]).choose(request("de", "fr")).identifier == "many"


def test_without_a_model_that_tells_languages_apart_only_one_can_be_named(
    folder: MakeFolder, store: ModelStore
) -> None:
    voices = Voices(store, [folder("sense", 'engine = "sherpa"\nlanguages = ["zh", "ja"]\n')])
    assert voices.refusal(request("zh")) is None
    assert "tells languages apart" in (voices.refusal(request("zh", "ja")) or "")


def test_the_memory_of_a_model_that_nobody_measured_goes_by_its_files(
    folder: MakeFolder, store: ModelStore
) -> None:
    place = folder("sense", 'engine = "sherpa"\nlanguages = ["zh"]\n')
    with (Path(place) / "model.onnx").open("wb") as file:
        file.truncate(70_000_000)
    assert Voices(store, [place]).engines()["sense"].memory_mb == RUNTIME_MB + 70


def test_two_folders_of_one_name_are_refused(folder: MakeFolder, store: ModelStore) -> None:
    description = 'engine = "sherpa"\nlanguages = ["zh"]\n'
    one, other = folder("a/sense", description), folder("b/sense", description)
    with pytest.raises(ModelChoiceError, match=r"^use_models: .* have the same name"):
        Voices(store, [one, other])


def test_a_wish_that_cannot_be_met_names_the_setting(store: ModelStore) -> None:
    with pytest.raises(ModelChoiceError, match=r"^use_models: no model is called 'nobody'"):
        Voices(store, ["nobody"])
