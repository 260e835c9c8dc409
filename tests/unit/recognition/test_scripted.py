import numpy as np
import pytest
import soxr

from vivavoce.recognition.contract import DecodeRequest, Hypothesis
from vivavoce.recognition.engines.scripted import ORDINARY, WORDS, hear, load, sing

TEXT = " ".join(ORDINARY)


def request(audio: bytes) -> DecodeRequest:
    return DecodeRequest(audio, "final", "en")


def test_it_hears_every_word_that_was_sung() -> None:
    text = " ".join(WORDS)
    assert hear(request(sing(text))).text == text


def test_words_lie_where_they_were_sung() -> None:
    words = hear(request(sing("alfa bravo"))).words
    assert [(word.start, word.end) for word in words] == [(1600, 4800), (6400, 9600)]


@pytest.mark.parametrize("gain", [0.2, 1.0, 3.0])
def test_loudness_does_not_matter(gain: float) -> None:
    samples = np.frombuffer(sing(TEXT), dtype="<f4") * np.float32(gain)
    assert hear(request(samples.tobytes())).text == TEXT


def test_a_telephone_line_does_not_matter() -> None:
    samples = np.frombuffer(sing(TEXT), dtype="<f4")
    narrow = np.round(soxr.resample(samples, 16_000, 8_000) * 127) / 127
    wide = soxr.resample(narrow.astype("<f4"), 8_000, 16_000)
    assert hear(request(wide.astype("<f4").tobytes())).text == TEXT


@pytest.mark.parametrize("kept", [0.5, 0.7])
def test_the_beginning_of_a_word_is_enough(kept: float) -> None:
    audio = sing("quebec")
    samples = 1600 + int(3200 * kept)
    assert hear(request(audio[: 4 * samples])).text == "quebec"


@pytest.mark.parametrize("samples", [0, 1, 159, 16_000])
def test_silence_has_no_words(samples: int) -> None:
    hypothesis = hear(request(bytes(4 * samples)))
    assert (hypothesis.text, hypothesis.words) == ("", ())


def test_noise_gives_the_same_words_every_time() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 16_000).astype("<f4").tobytes()
    assert hear(request(noise)) == hear(request(noise))
    assert hear(request(noise)).text


def test_fault_words_are_ordinary_words_unless_faults_were_asked_for() -> None:
    heard = load().decode([request(sing("crash hang refuse")), request(sing("alfa"))])
    assert [hypothesis.text for hypothesis in heard] == ["crash hang refuse", "alfa"]


def test_a_word_outside_the_list_cannot_be_sung() -> None:
    with pytest.raises(ValueError, match="not in"):
        sing("zulu")


@pytest.mark.parametrize(("word", "language"), [("crash", "de"), ("leave", "fr"), ("hang", "de")])
def test_the_first_word_tells_the_language_among_the_candidates(word: str, language: str) -> None:
    engine = load(languages=("de", "en", "fr"))
    assert engine.capabilities.identifies_languages
    question = DecodeRequest(sing(f"{word} alfa"), "language", "", languages=("de", "fr"))
    assert engine.decode([question]) == [Hypothesis("", (), language, 1.0)]


def test_silence_is_in_the_first_language_with_the_probability_of_a_guess() -> None:
    question = DecodeRequest(bytes(4 * 16_000), "language", "")
    answers = load(languages=("fr", "de")).decode([question])
    assert answers == [Hypothesis("", (), "de", 0.5)]
