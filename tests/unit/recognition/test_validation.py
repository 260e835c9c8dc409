import math

import msgspec
import pytest

from vivavoce.recognition.contract import DecodeRequest, Hypothesis, SpokenWord
from vivavoce.recognition.errors import DecodeFailedError, InvalidHypothesisError
from vivavoce.recognition.frames import Answer
from vivavoce.recognition.validation import checked, read_answer

REQUEST = DecodeRequest(audio=bytes(4 * 16_000), purpose="final", language="en")


def heard(*places: tuple[int, int], confidence: float = 0.5) -> Hypothesis:
    words = tuple(SpokenWord(" la", start, end, 0.5) for start, end in places)
    return Hypothesis("la " * len(places), words, "en", confidence)


def places(hypothesis: Hypothesis) -> list[tuple[int, int]]:
    return [(word.start, word.end) for word in hypothesis.words]


def test_a_sound_hypothesis_is_returned_as_it_is() -> None:
    sound = heard((0, 100), (100, 16_000))
    assert checked(sound, REQUEST) is sound


def test_the_language_of_a_question_is_a_sound_hypothesis() -> None:
    question = DecodeRequest(REQUEST.audio, "language", "", languages=("de", "en"))
    answer = Hypothesis("", (), "de", 0.75)
    assert checked(answer, question) is answer


def test_a_language_that_was_no_candidate_is_refused() -> None:
    question = DecodeRequest(REQUEST.audio, "language", "", languages=("de", "fr"))
    with pytest.raises(InvalidHypothesisError, match="no candidate"):
        checked(Hypothesis("", (), "en", 0.75), question)


def test_words_where_a_language_was_asked_for_are_refused() -> None:
    question = DecodeRequest(REQUEST.audio, "language", "")
    with pytest.raises(InvalidHypothesisError, match="only a language"):
        checked(heard((0, 100)), question)


def test_silence_is_a_sound_hypothesis() -> None:
    silence = Hypothesis("", (), "en", 0.0)
    assert checked(silence, REQUEST) is silence


def test_words_that_stick_out_of_the_span_are_clipped() -> None:
    assert places(checked(heard((-80, 100), (200, 17_000)), REQUEST)) == [(0, 100), (200, 16_000)]


def test_words_that_overlap_a_little_are_parted() -> None:
    assert places(checked(heard((0, 1000), (900, 2000)), REQUEST)) == [(0, 1000), (1000, 2000)]


@pytest.mark.parametrize("confidence", [-0.1, 1.0001])
def test_a_confidence_just_off_the_scale_is_clipped(confidence: float) -> None:
    assert checked(heard(confidence=confidence), REQUEST).confidence in (0.0, 1.0)


def test_a_sureness_just_off_the_scale_is_clipped() -> None:
    unsound = msgspec.structs.replace(heard((0, 100)), closing=1.0001)
    assert checked(unsound, REQUEST).closing == 1.0


@pytest.mark.parametrize(
    "nonsense",
    [
        heard((0, 30_000)),
        heard((-9000, 100)),
        heard((200, 100)),
        heard((9000, 9100), (0, 100)),
        heard((0, 16_000), (100, 200)),
        heard(confidence=math.nan),
        heard(confidence=math.inf),
        msgspec.structs.replace(heard((0, 100)), closing=math.nan),
        Hypothesis("bla " * 1000, (), "en", 1.0),
        Hypothesis("", (SpokenWord("b" * 1000, 0, 1, 1.0),), "en", 1.0),
        Hypothesis("", (SpokenWord("", 0, 0, 1.0),) * 1000, "en", 1.0),
        Hypothesis("", (SpokenWord("", 0, 0, math.nan),), "en", 1.0),
        Hypothesis("", (), "", 1.0),
        Hypothesis("", (), "english, I should think", 1.0),
    ],
)
def test_what_cannot_be_true_is_refused(nonsense: Hypothesis) -> None:
    with pytest.raises(InvalidHypothesisError):
        checked(nonsense, REQUEST)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"text": None}),
        msgspec.msgpack.encode({"text": "", "words": [], "language": "en"}),
        msgspec.msgpack.encode({"text": "", "words": [], "language": "en", "confidence": "NaN"}),
        msgspec.msgpack.encode(heard()).replace(b"en", b"\xff\xfe"),
    ],
)
def test_what_is_no_hypothesis_at_all_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidHypothesisError, match="not a hypothesis"):
        read_answer(Answer(hypothesis=payload), REQUEST)


def test_an_error_of_the_engine_is_told() -> None:
    with pytest.raises(DecodeFailedError, match="out of tune"):
        read_answer(Answer(error="out of tune"), REQUEST)
