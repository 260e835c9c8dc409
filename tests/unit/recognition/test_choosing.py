"""Models by the names that an operator gives them, and why one cannot be had."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vivavoce.recognition.catalogue import Catalogue, load_catalogue
from vivavoce.recognition.choosing import choose
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore

CATALOGUE = load_catalogue()
SENSE = 'engine = "sherpa"\nlanguages = ["zh", "en", "ja", "ko", "yue"]\n'


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes the folder of a model; the libraries of all engines seem to be installed."""
    monkeypatch.setattr("vivavoce.recognition.loading.find_spec", lambda _: object())

    def make(description: str = SENSE, name: str = "sense") -> str:
        place = tmp_path / name
        place.mkdir()
        (place / "model.toml").write_text(description)
        return str(place)

    return make


def refusal(name: str, store: ModelStore, catalogue: Catalogue = CATALOGUE) -> str:
    with pytest.raises(ModelError) as caught:
        choose(name, catalogue, store)
    return str(caught.value)


def test_a_folder_speaks_those_of_its_languages_that_the_api_knows(
    folder: Callable[..., str], store: ModelStore
) -> None:
    chosen = choose(folder(), CATALOGUE, store)
    assert sorted(chosen.languages) == ["en", "ja", "ko", "yue", "zh"]
    assert not chosen.identifies


def test_a_model_may_be_chosen_for_one_language_alone(
    folder: Callable[..., str], store: ModelStore
) -> None:
    assert choose(f"zh-CN={folder()}", CATALOGUE, store).languages == ("zh",)


def test_a_language_that_a_model_does_not_speak_is_named_with_those_it_does(
    folder: Callable[..., str], store: ModelStore
) -> None:
    place = folder()
    assert refusal(f"de={place}", store) == "sense does not speak de, but en, ja, ko, zh, yue"
    assert refusal(f"xx={place}", store) == "'xx' is no language code"


@pytest.mark.parametrize("description", ['engine = "sherpa"\n', 'engine = "sherpa"\nlanguages=[]'])
def test_a_folder_whose_languages_nobody_names_is_refused(
    folder: Callable[..., str], store: ModelStore, description: str
) -> None:
    assert "name its languages in the model.toml" in refusal(folder(description), store)


def test_a_folder_may_not_have_the_name_of_a_model_that_the_house_knows(
    folder: Callable[..., str], store: ModelStore
) -> None:
    assert "rename it" in refusal(folder(name="whisper-base"), store)


def test_an_engine_that_nothing_offers_is_named(
    folder: Callable[..., str], store: ModelStore
) -> None:
    description = 'engine = "parrot"\nlanguages = ["en"]\n'
    assert "engine 'parrot' of sense" in refusal(folder(description), store)


def test_a_library_that_is_missing_is_named_with_its_extra(
    folder: Callable[..., str], store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder()
    monkeypatch.setattr("vivavoce.recognition.loading.find_spec", lambda _: None)
    assert refusal(place, store) == "sense needs sherpa_onnx: pip install 'vivavoce[sherpa]'"


def test_what_is_not_here_is_named_with_the_command_that_fetches_it(
    store: ModelStore, tmp_path: Path
) -> None:
    assert "vivavoce models pull whisper-tiny.en" in refusal("whisper-tiny.en", store)
    hub = f"hub:Systran/faster-whisper-small@{'0' * 40}"
    assert f"vivavoce models pull {hub}" in refusal(hub, store)
    assert "is no folder" in refusal(str(tmp_path / "nowhere"), store)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("whisper-huge", "no model is called 'whisper-huge'"),
        ("hub:Systran/faster-whisper-small", "write hub:owner/name@"),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, reason: str, store: ModelStore) -> None:
    assert reason in refusal(name, store)
