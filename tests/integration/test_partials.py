"""Partials of the real English model: drafts, and what is shown of speech that grows."""

import pytest

from real_models import Floats, pulled, speech_sample
from vivavoce.recognition.contract import SAMPLE_RATE, DecodeRequest, Engine, Hypothesis
from vivavoce.recognition.loading import load_engine
from vivavoce.session.display import common
from vivavoce.session.partials import Partials
from vivavoce.session.utterances import OpenUtterance

STEP = SAMPLE_RATE * 3 // 10


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(*pulled("moonshine-tiny-en"))


@pytest.fixture(scope="module")
def speech() -> Floats:
    return speech_sample("two_cities.wav")[: 5 * SAMPLE_RATE]


def heard(engine: Engine, audio: Floats, draft: str = "") -> Hypothesis:
    request = DecodeRequest(audio.astype("<f4").tobytes(), "partial", "en", draft=draft)
    (hypothesis,) = engine.decode([request])
    return hypothesis


def test_a_wrong_draft_is_not_believed(engine: Engine, speech: Floats) -> None:
    plain = heard(engine, speech)
    assert heard(engine, speech, " Call me Ishmael.") == plain
    said = "".join(word.text for word in plain.words[:6])
    misled = heard(engine, speech, f"{said} nothing of the kind")
    assert common(misled.words, plain.words) >= len(plain.words) - 1


def test_a_right_draft_is_heard_as_it_was_with_its_certainty(
    engine: Engine, speech: Floats
) -> None:
    plain = heard(engine, speech)
    again = heard(engine, speech, plain.text)
    assert again.text == plain.text
    assert [word.start for word in again.words] == [word.start for word in plain.words]
    assert again.confidence == pytest.approx(plain.confidence, abs=0.02)


def test_a_draft_of_growing_speech_changes_hardly_a_word(engine: Engine, speech: Floats) -> None:
    words = different = 0
    draft = ""
    for end in range(STEP, len(speech), STEP):
        plain, drafted = heard(engine, speech[:end]), heard(engine, speech[:end], draft)
        words += len(plain.words)
        different += len(plain.words) - common(plain.words, drafted.words)
        draft = drafted.text
    assert different <= 0.1 * words


def test_stable_words_of_real_speech_stay_and_the_final_has_nearly_all(
    engine: Engine, speech: Floats
) -> None:
    partials = Partials(0)
    partials.begin(OpenUtterance(0, 0, 0))
    seen = 0
    for end in range(STEP, len(speech), STEP):
        request = partials.request(end, "en")
        if request is None:
            continue
        before = partials.stable
        shown = partials.shown(request, heard(engine, speech[:end], request.draft))
        if shown is not None:
            assert shown.words[: len(before)] == before
            assert shown.text == "".join(word.text for word in shown.words)
            seen += 1
    assert seen > 1
    final = heard(engine, speech)
    assert len(partials.stable) >= 0.6 * len(final.words)
    assert common(partials.stable, final.words) >= 0.8 * len(partials.stable)
