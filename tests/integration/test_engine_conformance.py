"""Every engine against the contract, with its real model where there is one."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from real_models import Floats, pulled, speech_sample
from tone_transducer import tones, write
from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Engine
from vivavoce.recognition.engines import scripted
from vivavoce.recognition.engines.scripted import sing
from vivavoce.recognition.fetching import Supply
from vivavoce.recognition.foreign import read_entry
from vivavoce.recognition.loading import has_engine, load_engine
from vivavoce.recognition.store import ModelStore
from vivavoce.testing import CHECKS, Check, Subject
from vivavoce.testing.kit import sentence


def encoded(audio: Floats) -> bytes:
    return audio.astype("<f4").tobytes()


def subject_of(load: Callable[[], Engine], speech: list[bytes], language: str = "en") -> Subject:
    engine = load()
    engine.warm_up()
    return Subject(load, speech, language, engine)


def spoken() -> list[bytes]:
    """Three spans of real speech."""
    read = speech_sample("two_cities.wav")
    beckett = speech_sample("beckett.wav")[: 4 * SAMPLE_RATE]
    cuts = [0, 3 * SAMPLE_RATE, 5 * SAMPLE_RATE]
    return [encoded(read[a:b]) for a, b in pairwise(cuts)] + [encoded(beckett)]


def sung() -> list[bytes]:
    return [sing("alfa bravo charlie"), sing("echo delta"), sing("golf")]


def toned() -> list[bytes]:
    return [encoded(tones(text)) for text in ("low high mid", "mid low", "high mid low high")]


def entry_of(folder: Path, name: str = "tone") -> tuple[Model, Path]:
    """The tone transducer as a model of the user's."""
    place = write(folder / name, streaming=name == "streaming")
    (place / "model.toml").write_text('engine = "sherpa"\nlanguages = ["en"]\n')
    return read_entry(place), place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def sherpa_moonshine(folder: Path) -> tuple[Model, Path]:
    """The catalogue's entry, made from the files of the pulled Moonshine model."""
    model = load_catalogue().model("moonshine-tiny-en-sherpa")
    _, files = pulled("moonshine-tiny-en")
    shelf = folder / "shelf"
    shelf.mkdir(exist_ok=True)
    if not (shelf / model.id).exists():
        (shelf / model.id).symlink_to(files)
    store = ModelStore(folder / "store", Supply.from_folder(shelf))
    store.pull([model])
    return model, store.path(model)


@pytest.fixture(
    scope="module",
    params=[
        *("scripted", "moonshine", "whisper"),
        *("sherpa moonshine", "sherpa streaming", "sherpa offline"),
    ],
)
def subject(request: pytest.FixtureRequest, folder: Path) -> Subject:
    if request.param.startswith("sherpa"):
        pytest.importorskip("sherpa_onnx", reason="the extra [sherpa] is not installed")
    match request.param:
        case "scripted":
            return subject_of(scripted.load, sung())
        case "moonshine":
            return subject_of(partial(load_engine, *pulled("moonshine-tiny-en")), spoken())
        case "whisper":
            model, place = pulled("whisper-base")
            if not has_engine(model):
                pytest.skip("no engine for Whisper is installed")
            return subject_of(partial(load_engine, model, place), spoken())
        case "sherpa moonshine":
            return subject_of(partial(load_engine, *sherpa_moonshine(folder)), spoken())
        case kind:
            entry = entry_of(folder, kind.removeprefix("sherpa "))
            return subject_of(partial(load_engine, *entry), toned())


@pytest.mark.parametrize("check", CHECKS, ids=sentence)
def test_the_engine_keeps_the_contract(subject: Subject, check: Check) -> None:
    check(subject)


# -- what only some engines promise ----------------------------------------------------------------


@pytest.fixture(scope="module")
def streaming(folder: Path) -> Engine:
    pytest.importorskip("sherpa_onnx", reason="the extra [sherpa] is not installed")
    return load_engine(*entry_of(folder, "streaming"))


@pytest.mark.parametrize("kind", ["streaming", "offline"])
def test_a_transducer_hears_its_words_where_they_are(folder: Path, kind: str) -> None:
    pytest.importorskip("sherpa_onnx", reason="the extra [sherpa] is not installed")
    engine = load_engine(*entry_of(folder, kind))
    (heard,) = engine.decode([DecodeRequest(encoded(tones("low mid high low")), "final", "en")])
    assert heard.text == " low mid high low"
    begins = [int((0.3 + 0.7 * number) * SAMPLE_RATE) for number in range(4)]
    for word, begin in zip(heard.words, begins, strict=True):
        assert abs(word.start - begin) < 0.1 * SAMPLE_RATE
    assert 0.5 < heard.confidence < 1
    assert engine.capabilities.streaming is (kind == "streaming")
    assert not engine.capabilities.punctuates


def test_partials_of_a_streaming_model_grow_word_by_word(streaming: Engine) -> None:
    audio = encoded(tones("low mid high"))
    texts = []
    for end in range(0, len(audio), 4 * SAMPLE_RATE // 10):
        (heard,) = streaming.decode([DecodeRequest(audio[: end + 4], "partial", "en")])
        texts.append(heard.text)
    assert texts[-1] == " low mid high"
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert {" low", " low mid"} <= set(texts)


def test_growing_audio_costs_a_streaming_model_only_what_is_new(
    streaming: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []
    hearing = streaming._hearing  # type: ignore[attr-defined] # noqa: SLF001 # to watch what it feeds
    feed = hearing._feed  # noqa: SLF001 # as above

    def count(recogniser: object, state: object, new: Floats) -> None:
        fed.append(len(new))
        feed(recogniser, state, new)

    monkeypatch.setattr(type(hearing), "_feed", staticmethod(count))
    audio = encoded(tones("high low mid", gap=0.1))
    step = SAMPLE_RATE // 5
    ends = range(step, len(audio) // 4, step)
    for end in ends:
        streaming.decode([DecodeRequest(audio[: 4 * end], "partial", "en")])
    assert fed == [step] * len(ends)
    (heard,) = streaming.decode([DecodeRequest(audio, "final", "en")])
    assert sum(fed[: len(ends) + 1]) == len(audio) // 4
    assert heard.text == " high low mid"


def test_two_speakers_at_once_do_not_meet_in_one_stream(streaming: Engine) -> None:
    first, second = encoded(tones("low mid low")), encoded(tones("high mid high"))
    step = 4 * SAMPLE_RATE // 5
    for end in range(step, len(first), step):
        streaming.decode([DecodeRequest(audio[:end], "partial", "en") for audio in (first, second)])
    heard = streaming.decode([DecodeRequest(audio, "final", "en") for audio in (second, first)])
    assert [one.text for one in heard] == [" high mid high", " low mid low"]
