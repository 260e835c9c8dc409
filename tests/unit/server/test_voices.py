"""Which models listen, when the operator has wishes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from vivavoce.protocol.choices import MODELS
from vivavoce.protocol.request import InitRequest, LanguageConfig
from vivavoce.recognition.contract import Purpose
from vivavoce.recognition.model_errors import ModelChoiceError
from vivavoce.recognition.store import ModelStore
from vivavoce.server.qualities import Wishes
from vivavoce.server.voices import RUNTIME_MB, Voices
from vivavoce.session.effects import Decode

PARTIAL_AND_FINAL: tuple[Purpose, ...] = ("partial", "final")
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
    voices = Voices(store, Wishes([f"fr={large}", small, large]))
    assert voices.languages == ("en", "de", "fr", "ja")
    engines = {code: voices.choose(request(code)).first for code in voices.languages}
    assert engines == {"en": "small", "de": "large", "fr": "large", "ja": "small"}
    assert set(voices.engines()) == {"small", "large"}


def test_the_model_that_speaks_most_languages_tells_them_apart(
    folder: MakeFolder, store: ModelStore
) -> None:
    few = folder("few", 'engine = "whisper"\nlanguages = ["de", "en"]\n')
    many = folder("many", 'engine = "whisper"\nlanguages = ["de", "fr", "it", "pt"]\n')
    assert Voices(store, Wishes([few, many])).choose(request("de", "fr")).identifier == "many"


def test_without_a_model_that_tells_languages_apart_only_one_can_be_named(
    folder: MakeFolder, store: ModelStore
) -> None:
    sense = folder("sense", 'engine = "sherpa"\nlanguages = ["zh", "ja"]\n')
    voices = Voices(store, Wishes([sense]))
    assert voices.refusal(request("zh")) is None
    assert "tells languages apart" in (voices.refusal(request("zh", "ja")) or "")


def test_the_memory_of_a_model_that_nobody_measured_goes_by_its_files(
    folder: MakeFolder, store: ModelStore
) -> None:
    place = folder("sense", 'engine = "sherpa"\nlanguages = ["zh"]\n')
    with (Path(place) / "model.onnx").open("wb") as file:
        file.truncate(70_000_000)
    assert Voices(store, Wishes([place])).engines()["sense"].memory_mb == RUNTIME_MB + 70


def test_two_folders_of_one_name_are_refused(folder: MakeFolder, store: ModelStore) -> None:
    description = 'engine = "sherpa"\nlanguages = ["zh"]\n'
    one, other = folder("a/sense", description), folder("b/sense", description)
    with pytest.raises(ModelChoiceError, match=r"^use_models: .* have the same name"):
        Voices(store, Wishes([one, other]))


def test_a_wish_that_cannot_be_met_names_the_setting(store: ModelStore) -> None:
    with pytest.raises(ModelChoiceError, match=r"^use_models: no model is called 'nobody'"):
        Voices(store, Wishes(["nobody"]))


def figures(error: float, cpu: float) -> str:
    measured = f'corpus = "c", languages = ["en"], error_percent = {error}, cpu = {cpu}'
    return f'engine = "sherpa"\nlanguages = ["en"]\nmeasured = [{{ {measured} }}]\n'


def test_partials_of_accurate_are_by_the_lighter_and_its_finals_by_the_better_model(
    folder: MakeFolder, store: ModelStore
) -> None:
    light = folder("light", figures(20, 0.1))
    heavy = folder("heavy", figures(10, 0.4))
    voices = Voices(store, Wishes([light, heavy]))
    asked = {name: makers(voices, name) for name in MODELS}
    assert asked.pop("accurate") == ("light", "heavy")
    assert set(asked.values()) == {("light", "light")}
    assert Voices(store, Wishes([heavy, light])).choose(named("fast")).needed == ("light",)


def test_both_models_of_accurate_are_loaded_and_needed_from_the_start(
    folder: MakeFolder, store: ModelStore
) -> None:
    voices = Voices(
        store, Wishes([folder("light", figures(20, 0.1)), folder("heavy", figures(10, 0.4))])
    )
    assert set(voices.engines()) == {"light", "heavy"}
    assert voices.choose(named("accurate")).needed == ("heavy", "light")
    assert voices.choose(named("accurate")).with_one_engine().needed == ("heavy",)
    assert voices.choose(named("solaria-1")).needed == ("light",)


def test_a_model_that_no_request_gets_is_not_loaded(folder: MakeFolder, store: ModelStore) -> None:
    one, between = folder("one", figures(10, 0.1)), folder("between", figures(15, 0.2))
    assert set(Voices(store, Wishes([one, between])).engines()) == {"one"}


def test_where_one_model_speaks_a_language_every_name_means_that_one(
    folder: MakeFolder, store: ModelStore
) -> None:
    voices = Voices(store, Wishes([folder("only", 'engine = "sherpa"\nlanguages = ["en"]\n')]))
    assert {makers(voices, name) for name in MODELS} == {("only", "only")}
    assert voices.refusal(named("accurate")) is None


def test_the_operators_wish_for_a_name_counts_more_than_figures(
    folder: MakeFolder, store: ModelStore
) -> None:
    light, heavy = folder("light", figures(20, 0.1)), folder("heavy", figures(10, 0.4))
    own = folder("own", 'engine = "sherpa"\nlanguages = ["en", "ja"]\n')
    voices = Voices(store, Wishes([light, heavy], fast=[heavy], accurate=[f"en={own}"]))
    assert makers(voices, "solaria-1") == ("light", "light")
    assert makers(voices, "fast") == ("heavy", "heavy")
    assert makers(voices, "accurate") == ("heavy", "own")
    assert voices.languages == ("en",)


@pytest.mark.parametrize("setting", ["fast", "accurate"])
def test_a_wish_for_a_name_that_cannot_be_met_names_its_setting(
    store: ModelStore, setting: str
) -> None:
    with pytest.raises(ModelChoiceError, match=f"^{setting}_models: no model is called 'nobody'"):
        Voices(store, Wishes(**{setting: ["nobody"]}))


def named(name: str) -> InitRequest:
    return InitRequest(model=name, language_config=LanguageConfig(("en",)))


def makers(voices: Voices, name: str) -> tuple[str, str]:
    """Who makes partials and who finals in English."""
    voice = voices.choose(named(name))
    asked = (Decode(0, 0, 0, 1, 0, purpose, language="en") for purpose in PARTIAL_AND_FINAL)
    partial, final = map(voice.engine_for, asked)
    return partial, final


def test_a_model_that_lies_there_and_cannot_be_used_is_warned_of(
    store: ModelStore, tmp_path: Path
) -> None:
    (tmp_path / "store" / "moonshine-tiny-en").mkdir(parents=True)
    with capture_logs() as logs:
        Voices(store).tell()
    (warning,) = (entry for entry in logs if entry["log_level"] == "warning")
    assert warning["model"] == "moonshine-tiny-en"
    assert warning["mend"] == "vivavoce models pull moonshine-tiny-en"


def test_cantonese_is_transcribed_as_chinese_where_no_model_speaks_it(
    folder: MakeFolder, store: ModelStore
) -> None:
    chinese = folder("chinese", 'engine = "whisper"\nlanguages = ["zh", "en"]\n')
    both = folder("both", 'engine = "sherpa"\nlanguages = ["zh", "yue"]\n')
    without, with_it = Voices(store, Wishes([chinese])), Voices(store, Wishes([both]))
    assert without.refusal(request("yue")) is None
    assert without.choose(request("yue", "zh")).rules.candidates == ("zh",)
    assert with_it.choose(request("yue")).rules.candidates == ("yue",)


def test_a_language_that_no_model_speaks_is_still_refused(
    folder: MakeFolder, store: ModelStore
) -> None:
    english = folder("english", 'engine = "whisper"\nlanguages = ["en"]\n')
    assert "transcribes zh" in (Voices(store, Wishes([english])).refusal(request("yue")) or "")
