"""The Moonshine engine with its real model, on the speech samples that come with it."""

from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import jiwer
import msgspec
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from whisper_normalizer.english import EnglishTextNormalizer

from real_models import Floats, pulled, speech_sample
from vivavoce import inference
from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    Context,
    DecodeRequest,
    Engine,
    Hypothesis,
    Purpose,
)
from vivavoce.recognition.derivation import tool_versions
from vivavoce.recognition.engines.moonshine_graphs import PUBLISHED_DECODER, PUBLISHED_ENCODER
from vivavoce.recognition.engines.moonshine_model import DECODER, ENCODER
from vivavoce.recognition.engines.moonshine_proof import prove_decoder, prove_encoder
from vivavoce.recognition.loading import load_engine
from vivavoce.recognition.model_errors import IntegrityError
from vivavoce.recognition.unpacking import file_hash

# Dickens, A Tale of Two Cities (1859), the first sentence as the reader reads it.
TWO_CITIES = """
It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of
foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of
light, it was the season of darkness, it was the spring of hope, it was the winter of despair, we
had everything before us, we had nothing before us, we were all going direct to heaven, we were all
going direct the other way - in short, the period was so far like the present period, that some of
its noisiest authorities insisted on its being received, for good or for evil, in the superlative
degree of comparison only.
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(*pulled("moonshine-tiny-en"))


@pytest.fixture(scope="module")
def two_cities() -> Floats:
    return speech_sample("two_cities.wav")


@pytest.fixture(scope="module")
def beckett() -> Floats:
    return speech_sample("beckett.wav")


def request(audio: Floats, purpose: Purpose = "final") -> DecodeRequest:
    return DecodeRequest(audio.astype("<f4").tobytes(), purpose, "en")


def word_error_rate(reference: str, text: str) -> float:
    normal = EnglishTextNormalizer()
    return jiwer.wer(normal(reference), normal(text))


def assert_well_formed(hypothesis: Hypothesis, samples: int) -> None:
    assert "".join(word.text for word in hypothesis.words) == hypothesis.text
    assert all(word.text[0] == " " and word.text[1:].strip() for word in hypothesis.words)
    assert all(0 <= word.start < word.end <= samples for word in hypothesis.words)
    assert all(before.end <= after.start for before, after in pairwise(hypothesis.words))
    assert all(0 <= word.confidence <= 1 for word in hypothesis.words)
    assert 0 <= hypothesis.confidence <= 1
    # Where a text ends with a mark, and only there, the engine says how sure it is of it.
    if hypothesis.text[-1:].isalnum() or not hypothesis.text:
        assert hypothesis.closing is None
    else:
        assert hypothesis.closing is not None
        assert 0 < hypothesis.closing <= 1


def assert_words_lie_where(expected: Hypothesis, heard: Hypothesis) -> None:
    """The words that both have, in their order, begin at the same places."""
    said, again = ([word.text.lower() for word in each.words] for each in (expected, heard))
    matches = SequenceMatcher(None, said, again, autojunk=False).get_matching_blocks()
    apart = [
        abs(expected.words[match.a + at].start - heard.words[match.b + at].start)
        for match in matches
        for at in range(match.size)
    ]
    assert len(apart) >= len(said) / 2
    assert np.median(apart) < 0.05 * SAMPLE_RATE


def test_a_long_recording_is_heard_with_few_errors(engine: Engine, two_cities: Floats) -> None:
    (hypothesis,) = engine.decode([request(two_cities)])
    assert word_error_rate(TWO_CITIES, hypothesis.text) <= 0.06
    assert_well_formed(hypothesis, len(two_cities))
    assert hypothesis.language == "en"


def test_words_lie_in_the_sound_and_pauses_between_them(engine: Engine, beckett: Floats) -> None:
    (hypothesis,) = engine.decode([request(beckett)])
    assert_well_formed(hypothesis, len(beckett))
    loud = np.abs(beckett) > 0.05 * np.abs(beckett).max()
    covered = np.zeros(len(beckett), np.bool_)
    for word in hypothesis.words:
        covered[word.start : word.end] = True
    assert loud[covered].sum() / loud.sum() > 0.98
    assert covered.mean() < 0.8


def test_silence_before_the_speech_moves_all_words_by_its_length(
    engine: Engine, two_cities: Floats
) -> None:
    pause = SAMPLE_RATE
    (plain,) = engine.decode([request(two_cities[: 5 * SAMPLE_RATE])])
    later = np.concatenate([np.zeros(pause, np.float32), two_cities[: 5 * SAMPLE_RATE]])
    (moved,) = engine.decode([request(later)])
    assert word_error_rate(plain.text, moved.text) == 0
    shifts = [b.start - a.start - pause for a, b in zip(plain.words, moved.words, strict=True)]
    assert np.abs(shifts).mean() < 0.1 * SAMPLE_RATE


def test_a_final_is_the_same_alone_and_in_company(engine: Engine, two_cities: Floats) -> None:
    cuts = [two_cities[at : at + 3 * SAMPLE_RATE] for at in range(0, 640_000, 80_000)]
    finals = [request(cut) for cut in cuts]
    alone = [engine.decode([final])[0] for final in finals]
    assert engine.decode(finals) == alone
    mixed = [finals[0], request(cuts[1], "partial"), finals[2], request(cuts[3], "partial")]
    answers = engine.decode(mixed)
    assert [answers[0], answers[2]] == [alone[0], alone[2]]


def test_a_partial_says_what_a_final_says_with_a_draft_or_without(
    engine: Engine, two_cities: Floats
) -> None:
    cut = two_cities[: 6 * SAMPLE_RATE]
    (final,) = engine.decode([request(cut)])
    partial = request(cut, "partial")
    drafted = msgspec.structs.replace(partial, draft=final.text)
    wrong = msgspec.structs.replace(partial, draft=" It was the best of rhymes, it was")
    for answer in engine.decode([partial, drafted, wrong]):
        assert_well_formed(answer, len(cut))
        assert word_error_rate(final.text, answer.text) <= 0.1


@pytest.mark.parametrize("samples", [0, 1, 100, 894, 895, 4000])
def test_the_shortest_audio_is_answered(engine: Engine, samples: int) -> None:
    noise = np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)
    (hypothesis,) = engine.decode([request(noise)])
    assert_well_formed(hypothesis, samples)


@pytest.mark.parametrize("level", [0, 1e-4, 0.05, 1])
def test_noise_ends_within_the_token_limit(engine: Engine, level: float) -> None:
    noise = np.random.default_rng(3).normal(0, level, 30 * SAMPLE_RATE).astype(np.float32)
    (hypothesis,) = engine.decode([request(noise)])
    assert len(hypothesis.words) <= 30 * 6.5 + 2 * 2
    assert_well_formed(hypothesis, len(noise))


def test_digital_silence_says_nothing(engine: Engine) -> None:
    (hypothesis,) = engine.decode([request(np.zeros(SAMPLE_RATE, np.float32))])
    assert hypothesis == Hypothesis("", (), "en", 0.0)


def test_an_empty_batch_gives_no_answers(engine: Engine) -> None:
    assert engine.decode([]) == []


def test_a_language_it_does_not_speak_is_refused(engine: Engine, beckett: Floats) -> None:
    with pytest.raises(ValueError, match="'de'"):
        engine.decode([DecodeRequest(beckett.tobytes(), "final", "de")])


def test_what_was_said_before_is_not_said_again_and_words_stay_in_their_utterance(
    engine: Engine, two_cities: Floats
) -> None:
    assert engine.capabilities.context
    cut, end = int(5.4 * SAMPLE_RATE), 10 * SAMPLE_RATE
    (first,) = engine.decode([request(two_cities[:cut])])
    context = Context(two_cities[:cut].astype("<f4").tobytes(), (first.text,))
    plain = request(two_cities[cut:end])
    told = DecodeRequest(plain.audio, "final", "en", context)
    (alone,), (heard,) = engine.decode([plain]), engine.decode([told])
    assert_well_formed(heard, end - cut)
    assert word_error_rate(alone.text, heard.text) <= 0.25
    assert_words_lie_where(alone, heard)


@pytest.mark.parametrize("told_to", [0.0, 2.6])
def test_what_is_doubted_is_heard_again_and_left_out(
    engine: Engine, two_cities: Floats, told_to: float
) -> None:
    cut, end, told = int(5.4 * SAMPLE_RATE), 10 * SAMPLE_RATE, int(told_to * SAMPLE_RATE)
    finals = tuple(each.text for each in engine.decode([request(two_cities[:told])]) if each.text)
    context = Context(two_cities[:cut].astype("<f4").tobytes(), finals, cut - told)
    plain = request(two_cities[cut:end])
    (alone,) = engine.decode([plain])
    (heard,) = engine.decode([DecodeRequest(plain.audio, "final", "en", context)])
    assert_well_formed(heard, end - cut)
    assert word_error_rate(alone.text, heard.text) <= 0.25
    assert_words_lie_where(alone, heard)


@pytest.mark.parametrize("quiet", [100, 8000])
def test_speech_is_heard_as_well_with_the_silence_before_it(
    engine: Engine, two_cities: Floats, quiet: int
) -> None:
    plain = request(two_cities[: 4 * SAMPLE_RATE])
    hum = np.random.default_rng(1).normal(0, 1e-3, quiet).astype("<f4").tobytes()
    (alone,) = engine.decode([plain])
    (heard,) = engine.decode([msgspec.structs.replace(plain, context=Context(hum))])
    assert_well_formed(heard, 4 * SAMPLE_RATE)
    assert word_error_rate(alone.text, heard.text) <= 0.25
    assert heard.confidence >= alone.confidence


def test_a_context_that_cannot_be_right_does_no_harm(engine: Engine, beckett: Floats) -> None:
    plain = request(beckett[: 3 * SAMPLE_RATE])
    noise = np.random.default_rng(5).normal(0, 0.1, 2 * SAMPLE_RATE).astype("<f4")
    context = Context(noise.tobytes(), (" Five, five, five, five, five, five, five.",))
    told = DecodeRequest(plain.audio, "final", "en", context)
    (heard,) = engine.decode([told])
    assert word_error_rate(engine.decode([plain])[0].text, heard.text) <= 0.3


def test_warming_up_changes_no_answer(engine: Engine, beckett: Floats) -> None:
    (before,) = engine.decode([request(beckett)])
    engine.warm_up()
    assert engine.decode([request(beckett)]) == [before]


def test_products_of_bytes_do_not_overflow(
    engine: Engine, beckett: Floats, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inference, "_PROCESSOR", tmp_path / "nothing tells what it can")
    safe = load_engine(*pulled("moonshine-tiny-en"))
    assert safe.decode([request(beckett)]) == engine.decode([request(beckett)])


def test_graphs_that_hear_or_decode_otherwise_are_refused(tmp_path: Path) -> None:
    _, folder = pulled("moonshine-tiny-en")
    published = folder / PUBLISHED_ENCODER, folder / PUBLISHED_DECODER
    for name, prove in ((ENCODER, prove_encoder), (DECODER, prove_decoder)):
        prove(*published, folder / name)
        graph = onnx.load(folder / name)
        weights = next(each for each in graph.graph.initializer if tuple(each.dims) == (1152, 288))
        bytes_of_it = numpy_helper.to_array(weights)
        weights.CopyFrom(numpy_helper.from_array(bytes_of_it[::-1], weights.name))
        (tmp_path / name).write_bytes(graph.SerializeToString())
        with pytest.raises(IntegrityError, match="otherwise"):
            prove(*published, tmp_path / name)


def test_the_locked_tools_derive_the_recorded_files() -> None:
    model, folder = pulled("moonshine-tiny-en")
    for derived in model.derived:
        if tool_versions(derived) != derived.tools:
            pytest.skip("other tool versions than those of the catalogue")
        assert file_hash(folder / derived.name) == derived.sha256
