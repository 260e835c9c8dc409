"""The Whisper engine with its real model, on speech samples in nine languages.

With a folder of recordings and a ``manifest.jsonl`` named by VIVAVOCE_TEST_AUDIO it is also tried
on real speech in each language of that folder.
"""

import os
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
import soxr
from accuracy.corpus import NO_SPEECH, languages_of, read_corpus
from accuracy.sound import read_sound
from whisper_normalizer.basic import BasicTextNormalizer

from real_models import Floats, pulled, speech_sample
from vivavoce.protocol.languages import TRANSCRIPTION_CODES
from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    Context,
    DecodeRequest,
    Engine,
    Hypothesis,
    Purpose,
)
from vivavoce.recognition.engines.whisper_words import UNSPACED
from vivavoce.recognition.loading import load_engine
from vivavoce.recognition.model_errors import UnknownModelError
from vivavoce.recognition.validation import checked

# File of the speech samples -> what is said in it.
PHRASES = {
    "fr-bonjour-monde.wav": "Bonjour le monde.",
    "fr-pangrama.wav": "Portez ce vieux whisky au juge blond qui fume.",
    "it-pangrama.wav": "Quel vituperabile fez sbagliato ci provoca danni.",
    "ja-konnichiwa-sekai.wav": "こんにちは世界。",
    "pt-pangrama.wav": "A rápida raposa marrom salta sobre o cachorro preguiçoso.",
    "zh-nihao-shijie.wav": "你好世界。",
}
# One of the longer samples of each language.
LONGER = (
    "es-conteo.wav",
    "fr-pangrama.wav",
    "it-conteggio.wav",
    "ja-pangrama.wav",
    "pl-liczenie.wav",
    "pt-pangrama.wav",
    "zh-jishu.wav",
)

TIMES = "It was the best of times, it was the worst of times, it was the age of wisdom."


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(*pulled("whisper-base"))


@pytest.fixture(scope="module")
def two_cities() -> Floats:
    return speech_sample("two_cities.wav")


@pytest.fixture(scope="module")
def times(two_cities: Floats) -> Floats:
    return two_cities[int(1.0 * SAMPLE_RATE) : int(6.75 * SAMPLE_RATE)]


def phrase(name: str) -> Floats:
    try:
        folder = pulled("speech-samples-languages")[1]
    except UnknownModelError as error:
        pytest.skip(str(error))
    audio, rate = soundfile.read(folder / name, dtype="float32")
    resampled: Floats = soxr.resample(audio, rate, SAMPLE_RATE).astype(np.float32)
    return resampled


def request(audio: Floats, language: str = "en", purpose: Purpose = "final") -> DecodeRequest:
    return DecodeRequest(audio.astype("<f4").tobytes(), purpose, language)


def question(audio: Floats, *candidates: str) -> DecodeRequest:
    return DecodeRequest(audio.astype("<f4").tobytes(), "language", "", languages=candidates)


def error_rate(reference: str, text: str, language: str) -> float:
    normal = BasicTextNormalizer(split_letters=language in UNSPACED)
    return jiwer.wer(normal(reference), normal(text))


def assert_well_formed(hypothesis: Hypothesis, asked: DecodeRequest) -> None:
    samples = len(asked.audio) // 4
    assert checked(hypothesis, asked) is hypothesis
    assert "".join(word.text for word in hypothesis.words) == hypothesis.text
    assert not hypothesis.text or hypothesis.text[0] == " "
    assert all(word.text.strip() for word in hypothesis.words)
    assert all(0 <= word.start < word.end <= samples for word in hypothesis.words)
    assert all(before.end <= after.start for before, after in pairwise(hypothesis.words))


def test_it_knows_every_language_of_the_api(engine: Engine) -> None:
    assert engine.capabilities.languages == set(TRANSCRIPTION_CODES)
    assert engine.capabilities.identifies_languages


@pytest.mark.parametrize("language", sorted({name[:2] for name in PHRASES}))
def test_phrases_are_heard_in_their_language(engine: Engine, language: str) -> None:
    words, heard = [], []
    for name in (name for name in PHRASES if name.startswith(language)):
        asked = request(phrase(name), language)
        (hypothesis,) = engine.decode([asked])
        assert hypothesis.language == language
        assert_well_formed(hypothesis, asked)
        words.append(PHRASES[name])
        heard.append(hypothesis.text)
    assert error_rate(" ".join(words), " ".join(heard), language) <= 0.4


def test_english_is_heard_with_few_errors(engine: Engine, two_cities: Floats) -> None:
    asked = request(two_cities[: 17 * SAMPLE_RATE])
    (hypothesis,) = engine.decode([asked])
    reference = f"{TIMES} it was the age of foolishness, it was the epoch of belief, it was the "
    reference += "epoch of incredulity, it was the season of Light, it was the season of Darkness"
    assert error_rate(reference, hypothesis.text, "en") <= 0.1
    assert_well_formed(hypothesis, asked)


def test_more_than_the_model_can_hear_at_once_is_heard_in_pieces(
    engine: Engine, two_cities: Floats
) -> None:
    asked = request(two_cities)
    (hypothesis,) = engine.decode([asked])
    assert_well_formed(hypothesis, asked)
    assert "superlative degree of comparison" in hypothesis.text
    assert hypothesis.text.startswith(" It was the best of times")


def test_words_lie_in_the_sound(engine: Engine, times: Floats) -> None:
    (hypothesis,) = engine.decode([request(times)])
    loud = np.abs(times) > 0.05 * np.abs(times).max()
    covered = np.zeros(len(times), np.bool_)
    for word in hypothesis.words:
        covered[word.start : word.end] = True
    assert loud[covered].sum() / loud.sum() > 0.95


def test_silence_before_the_speech_moves_all_words_by_its_length(
    engine: Engine, times: Floats
) -> None:
    pause = SAMPLE_RATE
    (plain,) = engine.decode([request(times)])
    (moved,) = engine.decode([request(np.pad(times, (pause, 0)))])
    assert error_rate(plain.text, moved.text, "en") <= 0.1
    first = moved.words[0].start - plain.words[0].start - pause
    last = moved.words[-1].end - plain.words[-1].end - pause
    assert max(abs(first), abs(last)) < 0.15 * SAMPLE_RATE


def test_a_request_has_one_answer_alone_and_in_company(engine: Engine, two_cities: Floats) -> None:
    cuts = [two_cities[at : at + 3 * SAMPLE_RATE] for at in range(0, 320_000, 80_000)]
    asked = [
        request(cuts[0]),
        request(cuts[1], purpose="partial"),
        request(cuts[2], "de", "partial"),
        question(cuts[0], "en", "de"),
        request(cuts[3], purpose="partial"),
    ]
    together = engine.decode(asked)
    assert together == [engine.decode([each])[0] for each in asked]
    assert together == engine.decode(asked)


def test_partials_of_many_lengths_are_near_the_final(engine: Engine, two_cities: Floats) -> None:
    cuts = [two_cities[SAMPLE_RATE : int(seconds * SAMPLE_RATE)] for seconds in (5, 2.6, 12.8)]
    partials = engine.decode([request(cut, purpose="partial") for cut in cuts])
    for cut, partial in zip(cuts, partials, strict=True):
        (final,) = engine.decode([request(cut)])
        assert error_rate(final.text, partial.text, "en") <= 0.2


def test_with_context_only_what_is_new_is_told(engine: Engine, times: Floats) -> None:
    cut = int(2.0 * SAMPLE_RATE)
    earlier = Context(times[:cut].astype("<f4").tobytes(), (" It was the best of times.",))
    asked = DecodeRequest(times[cut:].astype("<f4").tobytes(), "final", "en", earlier)
    (hypothesis,) = engine.decode([asked])
    assert error_rate(TIMES[25:], hypothesis.text, "en") <= 0.1
    assert_well_formed(hypothesis, asked)
    assert hypothesis.text[1].isalpha()


def test_context_that_goes_round_in_circles_is_not_believed(engine: Engine, times: Floats) -> None:
    circles = Context(times.astype("<f4").tobytes(), (" Five, five, five." * 20,))
    told = DecodeRequest(times.astype("<f4").tobytes(), "final", "en", circles)
    assert engine.decode([told]) == engine.decode([request(times)])


@pytest.mark.parametrize("purpose", ["final", "partial"])
@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("kind", ["silence", "hiss", "hum", "tone", "click"])
def test_without_speech_there_is_no_text(
    engine: Engine, kind: str, language: str, purpose: Purpose
) -> None:
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    sounds = {
        "silence": np.zeros(len(t)),
        "hiss": np.random.default_rng(0).normal(0, 0.01, len(t)),
        "hum": 0.05 * np.sin(2 * np.pi * 50 * t),
        "tone": 0.3 * np.sin(2 * np.pi * 1000 * t),
        "click": (np.arange(len(t)) == SAMPLE_RATE) * 0.9,
    }
    audio = sounds[kind].astype(np.float32)
    assert engine.decode([request(audio, language, purpose)]) == [Hypothesis("", (), language, 0.0)]


@pytest.mark.parametrize("samples", [0, 1, 100, 1599, 1600, 4000])
def test_the_shortest_audio_is_answered(engine: Engine, samples: int) -> None:
    noise = np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)
    for purpose in ("final", "partial"):
        asked = request(noise, purpose=purpose)
        assert_well_formed(engine.decode([asked])[0], asked)
    assert engine.decode([question(noise, "fr", "de")])[0].language in {"fr", "de"}


@pytest.mark.parametrize("name", LONGER)
def test_the_language_of_a_phrase_is_told_among_candidates(engine: Engine, name: str) -> None:
    candidates = [other[:2] for other in LONGER]
    (answer,) = engine.decode([question(phrase(name), *candidates)])
    assert answer.language == name[:2]
    assert answer.confidence > 0.5


def test_only_candidates_count_and_share_all_probability(engine: Engine, times: Floats) -> None:
    (free,) = engine.decode([question(times)])
    (among,) = engine.decode([question(times, "de", "en")])
    (only,) = engine.decode([question(times, "de")])
    assert (free.language, among.language, only.language) == ("en", "en", "de")
    assert among.confidence > free.confidence
    assert only.confidence == pytest.approx(1)
    assert (among.text, among.words) == ("", ())


def test_a_language_it_does_not_know_is_refused(engine: Engine, times: Floats) -> None:
    with pytest.raises(ValueError, match="'xx'"):
        engine.decode([request(times, "xx")])
    with pytest.raises(ValueError, match="xx"):
        engine.decode([question(times, "xx")])


def test_warming_up_changes_no_answer(engine: Engine, times: Floats) -> None:
    before = engine.decode([request(times)])
    engine.warm_up()
    assert engine.decode([request(times)]) == before


def test_real_speech_is_heard_in_every_language_there_is_a_recording_of(engine: Engine) -> None:
    folder = os.environ.get("VIVAVOCE_TEST_AUDIO")
    if not folder:
        pytest.skip("VIVAVOCE_TEST_AUDIO names no folder of recordings")
    errors: dict[str, float] = {}
    for language in languages_of(Path(folder)):
        recordings = read_corpus(Path(folder), language)
        clip = max(
            (each for each in recordings if each.group != NO_SPEECH and each.seconds < 12),
            key=lambda each: each.seconds,
        )
        asked = request(read_sound(clip.path).samples()[0], language)
        (hypothesis,) = engine.decode([asked])
        assert_well_formed(hypothesis, asked)
        errors[language] = error_rate(clip.references[0], hypothesis.text, language)
    assert np.median(list(errors.values())) <= 0.3, errors
