"""How sure an engine is of the mark at the end of its text."""

import math

import pytest

from vivavoce.recognition.closing import closing, is_small


@pytest.mark.parametrize("text", [" We went home.", " Did we?", " and then,", "好。", ' he said."'])
def test_a_mark_at_the_end_is_as_sure_as_the_last_token(text: str) -> None:
    assert closing(text, math.log(0.25)) == pytest.approx(0.25)


@pytest.mark.parametrize("text", ["", " and then", " 3.5", "好", " £"])
def test_without_a_mark_at_the_end_there_is_nothing_to_be_sure_of(text: str) -> None:
    assert closing(text, -0.1) is None


def test_rounding_makes_nothing_surer_than_sure() -> None:
    assert closing(" yes.", 1e-9) == 1.0


@pytest.mark.parametrize(
    ("contextual", "alone", "small"),
    [
        ([" the", " cat"], [" The", " bat"], True),
        ([" the,"], [" The."], True),
        ([" The"], [" The"], False),
        ([" the"], [" the"], False),
        ([" then"], [" The"], False),
        ([" iPhone"], [" IPhone"], False),
        ([], [" The"], False),
        ([" the"], [], False),
    ],
)
def test_a_word_goes_on_in_a_sentence_if_it_was_heard_small_with_context(
    contextual: list[str], alone: list[str], *, small: bool
) -> None:
    assert is_small(contextual, alone) == small
