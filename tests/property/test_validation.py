import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.recognition.contract import DecodeRequest, Hypothesis, SpokenWord
from vivavoce.recognition.errors import InvalidHypothesisError
from vivavoce.recognition.frames import Answer
from vivavoce.recognition.validation import checked, read_answer

SAMPLES = 16_000
REQUEST = DecodeRequest(audio=bytes(4 * SAMPLES), purpose="final", language="en")

confidences = st.floats() | st.floats(0, 1)
places = st.integers(-6_000, SAMPLES + 6_000) | st.integers()
words = st.builds(SpokenWord, st.text(max_size=20), places, places, confidences)


def near(places: list[tuple[int, int]]) -> tuple[SpokenWord, ...]:
    """Words in the order of their starts, as a decent engine would give them."""
    return tuple(SpokenWord(" w", start, start + length, 1.0) for start, length in sorted(places))


near_places = st.tuples(st.integers(-3_000, SAMPLES), st.integers(0, 4_000))
hypotheses = st.builds(
    Hypothesis,
    text=st.text(max_size=400),
    words=st.lists(words, max_size=5).map(tuple) | st.lists(near_places, max_size=6).map(near),
    language=st.just("en") | st.text(max_size=20),
    confidence=confidences,
)


def keeps_the_contract(hypothesis: Hypothesis) -> bool:
    edges = [edge for word in hypothesis.words for edge in (word.start, word.end)]
    scores = [hypothesis.confidence, *(word.confidence for word in hypothesis.words)]
    return (
        all(a <= b for a, b in pairwise([0, *edges, SAMPLES]))
        and all(math.isfinite(score) and 0 <= score <= 1 for score in scores)
        and len(hypothesis.text) <= 320
        and 0 < len(hypothesis.language) <= 16
    )


@given(hypotheses)
def test_what_passes_keeps_the_contract_and_passes_again_untouched(hypothesis: Hypothesis) -> None:
    try:
        repaired = checked(hypothesis, REQUEST)
    except InvalidHypothesisError:
        assert not keeps_the_contract(hypothesis)
        return
    assert keeps_the_contract(repaired)
    assert checked(repaired, REQUEST) is repaired


@given(hypotheses)
def test_repair_changes_no_text(hypothesis: Hypothesis) -> None:
    try:
        repaired = checked(hypothesis, REQUEST)
    except InvalidHypothesisError:
        return
    assert repaired.text == hypothesis.text
    assert [word.text for word in repaired.words] == [word.text for word in hypothesis.words]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_hypothesis_or_refused(payload: bytes) -> None:
    try:
        hypothesis = read_answer(Answer(hypothesis=payload), REQUEST)
    except InvalidHypothesisError:
        return
    assert keeps_the_contract(hypothesis)
