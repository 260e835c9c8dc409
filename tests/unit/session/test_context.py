"""What an utterance is decoded with, final by final."""

import pytest

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.context import Earlier, Spoken, bound, earlier, followed, silence

LIMIT = 15 * SAMPLE_RATE


def said(text: str, *, carries: bool = True, language: str = "en") -> Hypothesis:
    words = (SpokenWord(text, 0, SAMPLE_RATE, 0.9),) if text else ()
    return Hypothesis(text, words, language, 0.9, carries=carries)


def after(*answers: Hypothesis | None) -> tuple[Spoken, ...]:
    """What may serve after these finals of one second each."""
    spoken: tuple[Spoken, ...] = ()
    for second, answer in enumerate(answers):
        start = second * SAMPLE_RATE
        spoken = followed(spoken, start, start + SAMPLE_RATE, answer)
    return spoken


DOUBTED = said(" Um.", carries=False)
ONE, TWO, THREE = said(" One."), said(" Two."), said(" Three.")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((ONE, TWO), Earlier(0, (" One.", " Two."))),
        ((DOUBTED,), Earlier(0, (), 0)),
        ((ONE, DOUBTED), Earlier(0, (" One.",), SAMPLE_RATE)),
        ((ONE, DOUBTED, TWO), Earlier(2 * SAMPLE_RATE, (" Two.",))),
        ((ONE, DOUBTED, TWO, DOUBTED), Earlier(0, (" One.",), SAMPLE_RATE)),
        ((ONE, said("")), Earlier(0, (" One.",), SAMPLE_RATE)),
        ((ONE, said(" Zwei.", language="de")), Earlier(SAMPLE_RATE, (" Zwei.",))),
        ((ONE, None, THREE), Earlier(2 * SAMPLE_RATE, (" Three.",))),
        ((ONE, None), None),
        ((), None),
    ],
)
def test_trusted_texts_are_told_and_what_is_doubted_is_heard_again(
    answers: tuple[Hypothesis | None, ...], expected: Earlier | None
) -> None:
    assert earlier(after(*answers), 5 * SAMPLE_RATE, LIMIT) == expected


def test_of_a_doubted_final_that_is_too_long_nothing_serves() -> None:
    assert earlier(after(DOUBTED), LIMIT + SAMPLE_RATE, LIMIT) is None


def test_silence_stands_in_for_a_context_as_far_as_it_and_the_limit_reach() -> None:
    start, end = 10 * SAMPLE_RATE, 12 * SAMPLE_RATE
    assert silence(start, end, 800, LIMIT) == Earlier(start - 800, ())
    assert silence(start, end, 0, LIMIT) is None
    assert silence(start, start + LIMIT, 800, LIMIT) is None


@pytest.mark.parametrize(
    ("most", "endpointing", "expected"),
    [(20, 0.05, 15), (20, 0.19, 15), (20, 0.2, 20), (20, 3, 20), (8, 0.05, 8), (0, 1, 0)],
)
def test_a_session_that_hardly_waits_takes_less_context(
    most: float, endpointing: float, expected: float
) -> None:
    assert bound(most, endpointing) == expected
