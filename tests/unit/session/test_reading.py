"""What is done to a text that goes on in the next utterance."""

import pytest

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.reading import unfinished

LENGTH = 5 * SAMPLE_RATE


def heard(text: str, end: int = LENGTH) -> Hypothesis:
    parts = [f" {part}" for part in text.split()]
    words = [
        SpokenWord(part, number * 100, number * 100 + 90, 0.9) for number, part in enumerate(parts)
    ]
    words[-1] = SpokenWord(parts[-1], 4000, end, 0.9)
    return Hypothesis(text, tuple(words), "en", 0.9)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (" We went on to the.", " We went on to the"),
        (" We went on to the...", " We went on to the"),
        (" Did we?", " Did we?"),
        (" It cost 3.5", " It cost 3.5"),
        (" .", " ."),
    ],
)
def test_a_sentence_that_goes_on_has_no_full_stop(text: str, left: str) -> None:
    found = unfinished(heard(text), LENGTH)
    assert found is not None
    assert found.text == left
    assert "".join(word.text for word in found.words) == left


def test_a_sentence_that_ended_before_the_cut_keeps_its_full_stop() -> None:
    answer = heard(" We went home.", end=LENGTH - SAMPLE_RATE // 4)
    assert unfinished(answer, LENGTH) == answer


def test_nothing_said_stays_nothing() -> None:
    assert unfinished(None, LENGTH) is None
    assert unfinished(Hypothesis("", (), "en", 0.0), LENGTH) == Hypothesis("", (), "en", 0.0)
