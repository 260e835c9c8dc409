"""What is done to the ends and beginnings of texts, for what is known when they leave."""

import msgspec
import pytest

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.reading import SURE, told, unfinished

LENGTH = 5 * SAMPLE_RATE


def heard(
    text: str, end: int = LENGTH, *, language: str = "en", closing: float | None = None
) -> Hypothesis:
    parts = [f" {part}" for part in text.split()]
    words = [
        SpokenWord(part, number * 100, number * 100 + 90, 0.9) for number, part in enumerate(parts)
    ]
    words[-1] = SpokenWord(parts[-1], 4000, end, 0.9)
    return Hypothesis(text, tuple(words), language, 0.9, closing=closing)


def text_of(found: Hypothesis | None) -> str:
    assert found is not None
    assert "".join(word.text for word in found.words) == found.text
    return found.text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (" We went on to the.", " We went on to the"),
        (" We went on to the...", " We went on to the"),
        (" Did we?", " Did we?"),
        (" It cost 3.5", " It cost 3.5"),
        (" At five p.m.", " At five p.m."),
        (" .", " ."),
    ],
)
def test_a_sentence_that_goes_on_has_no_full_stop(text: str, left: str) -> None:
    assert text_of(unfinished(heard(text), LENGTH)) == left


def test_a_sentence_that_ended_before_the_cut_keeps_its_full_stop() -> None:
    answer = heard(" We went home.", end=LENGTH - SAMPLE_RATE // 4)
    assert unfinished(answer, LENGTH) == answer


def test_nothing_said_stays_nothing() -> None:
    assert unfinished(None, LENGTH) is None
    assert unfinished(Hypothesis("", (), "en", 0.0), LENGTH) == Hypothesis("", (), "en", 0.0)


def test_a_full_stop_that_the_engine_is_not_sure_of_is_not_told() -> None:
    found, begins = told(
        heard(" the earliest book.", closing=SURE - 0.01), begins=False, last=False
    )
    assert text_of(found) == " the earliest book"
    assert not begins


@pytest.mark.parametrize("closing", [SURE, 1.0, None])
def test_a_full_stop_that_it_is_sure_of_or_says_nothing_about_stays(closing: float | None) -> None:
    answer = heard(" We went home.", closing=closing)
    assert told(answer, begins=False, last=False) == (answer, True)


def test_when_the_audio_is_over_so_is_the_sentence() -> None:
    answer = heard(" what you can do.", closing=0.5)
    assert told(answer, begins=False, last=True) == (answer, True)


@pytest.mark.parametrize("text", [" Did we?", " Did we", " and then,", " and then..."])
def test_only_full_stops_are_doubted(text: str) -> None:
    found, begins = told(heard(text, closing=SURE), begins=False, last=False)
    assert text_of(found) == text
    assert begins == text.endswith("?")


@pytest.mark.parametrize(
    ("language", "text", "begun"),
    [
        ("en", " the best", " The best"),
        ("en", ' "the best', ' "The best'),
        ("en", " iPhone sales", " iPhone sales"),
        ("en", " 3 of them", " 3 of them"),
        ("en", " 'tis said", " 'tis said"),
        ("es", " ¿qué hora", " ¿Qué hora"),
        ("ru", " так", " Так"),
        ("nl", " ijs met", " IJs met"),
        ("tr", " için", " İçin"),
        ("ka", " დიახ", " დიახ"),
        ("zh", " 你好", " 你好"),
        ("de", " ß", " ß"),
    ],
)
def test_a_sentence_begins_with_a_capital_where_there_are_such(
    language: str, text: str, begun: str
) -> None:
    found, _ = told(heard(text, language=language), begins=True, last=False)
    assert text_of(found) == begun


def test_what_the_engine_takes_for_a_continuation_begins_small_unless_a_sentence_begins() -> None:
    answer = msgspec.structs.replace(heard(" And the best"), continues=True)
    assert text_of(told(answer, begins=False, last=False)[0]) == " and the best"
    assert text_of(told(answer, begins=True, last=False)[0]) == " And the best"


def test_nothing_else_is_written_small_that_the_engine_wrote_large() -> None:
    found, _ = told(heard(" Haus und Hof", language="de"), begins=False, last=False)
    assert text_of(found) == " Haus und Hof"


@pytest.mark.parametrize("begins", [False, True])
@pytest.mark.parametrize("answer", [None, Hypothesis("", (), "en", 0.0)])
def test_what_is_not_told_changes_nothing(answer: Hypothesis | None, *, begins: bool) -> None:
    assert told(answer, begins=begins, last=False) == (answer, begins)
