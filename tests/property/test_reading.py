"""Whatever is heard: the two sides of every cut agree, and the words are those that were heard."""

import re
from collections.abc import Sequence
from itertools import pairwise

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vivavoce.recognition.contract import Hypothesis, SpokenWord
from vivavoce.session.reading import closes, told

LETTERS = st.text(st.sampled_from("abzäßéи\u0130\u0131იあ你ع3"), min_size=1, max_size=4)
SPELLED = st.one_of(LETTERS, LETTERS.map(str.upper), LETTERS.map(str.title), st.just("p.m"))
CLOSED = st.tuples(SPELLED, st.sampled_from([*".?!,:…。।", "...", '."', ""])).map("".join)
OPENED = st.tuples(st.sampled_from(["", '"', "¿", "("]), CLOSED).map("".join)
TEXTS = st.lists(OPENED, max_size=3).map(lambda words: "".join(f" {word}" for word in words))


SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Busy machines draw examples slowly."""


@st.composite
def hypotheses(draw: st.DrawFn) -> Hypothesis | None:
    text = draw(TEXTS)
    closing = draw(st.one_of(st.none(), st.floats(0, 1)))
    words = tuple(SpokenWord(f" {word}", at, at + 1, 0.9) for at, word in enumerate(text.split()))
    language, continues = draw(st.sampled_from(["en", "tr", "nl"])), draw(st.booleans())
    heard = Hypothesis(text, words, language, 0.9, closing=closing, continues=continues)
    return draw(st.sampled_from([heard, heard, heard, None]))


def read(answers: Sequence[Hypothesis | None]) -> list[Hypothesis | None]:
    found: list[Hypothesis | None] = []
    begins = False
    for number, answer in enumerate(answers, 1):
        text, begins = told(answer, begins=begins, last=number == len(answers))
        found.append(text)
    return found


@SLOW
@given(st.lists(hypotheses(), max_size=6))
def test_after_a_told_end_of_a_sentence_nothing_begins_with_a_small_letter(
    answers: list[Hypothesis | None],
) -> None:
    texts = [found.text for found in read(answers) if found and found.text]
    for before, after in pairwise(texts):
        if closes(before):
            (first,) = re.findall(r"^\W*(\w)", after) or ["0"]
            word = after.split()[0]
            assert first == first.title() or len(first.title()) > 1 or word != word.lower()


@SLOW
@given(st.lists(hypotheses(), max_size=6))
def test_only_a_closing_mark_and_the_case_of_the_first_letter_change(
    answers: list[Hypothesis | None],
) -> None:
    for heard, found in zip(answers, read(answers), strict=True):
        if heard is None or found is None:
            assert found is heard
            continue
        assert found.text == "".join(word.text for word in found.words)
        assert msgspec.structs.replace(found, text="", words=()) == msgspec.structs.replace(
            heard, text="", words=()
        )
        for ours, theirs in zip(found.words, heard.words, strict=True):
            assert (ours.start, ours.end) == (theirs.start, theirs.end)
            assert _letters(ours.text) == _letters(theirs.text)
        assert found.words[1:-1] == heard.words[1:-1]
        assert heard.text.rstrip(".\u2026\u3002\u0964")[3:] in found.text


def _letters(word: str) -> str:
    plain = re.sub(r"\W", "", word).casefold()
    return plain.replace("i\u0307", "i").replace("\u0131", "i")  # capitals of both are alike
