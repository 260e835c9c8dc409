"""When context is trusted: the rules, without the model."""

import numpy as np
import pytest

from vivavoce.recognition.engines import moonshine_context as context
from vivavoce.recognition.engines.moonshine_tokens import Tokenizer


def test_a_doubtful_text_is_no_context() -> None:
    sure, unsure = np.full(3, -0.05, np.float32), np.full(3, -0.9, np.float32)
    assert context.carries(1, sure)
    assert not context.carries(1, unsure)
    assert not context.carries(0, sure[:0])


def test_few_tokens_for_much_sound_ask_for_a_second_opinion() -> None:
    assert not context.sparse(3, 2 * 16_000)
    assert context.sparse(3, 10 * 16_000)
    assert context.sparse(0, 16_000)


@pytest.mark.parametrize("mark", [".", ",", "?", "...", " ."])
def test_marks_that_close_what_was_said_before_are_known(mark: str) -> None:
    assert context.is_mark(mark)


@pytest.mark.parametrize("token", [" a", "'s", "", " ", "5", ' "'])
def test_other_tokens_are_no_marks(token: str) -> None:
    assert not context.is_mark(token)


PIECES = ["<unk>", "<s>", "</s>", "a", "b", "▁a", "ab", "▁", "a", "b", "▁ab", "c", "aba"]


def test_a_text_is_spelled_as_the_model_spells_it() -> None:
    tokenizer = Tokenizer([piece.encode() for piece in PIECES])
    # What was learnt first is joined first; letters go before the bytes of the same value.
    assert tokenizer.tokens(" ab a") == (10, 5)
    assert tokenizer.tokens("abab") == (6, 6)
    assert tokenizer.tokens(" cb") == (7, 11, 9)
    assert tokenizer.tokens("") == ()


def test_what_has_no_letters_in_the_vocabulary_is_left_out() -> None:
    tokenizer = Tokenizer([piece.encode() for piece in PIECES])
    assert tokenizer.tokens(" a\N{SNOWMAN}") == (5,)


@pytest.mark.parametrize("word", [" you", " Café.", " naïve", " 2-3", " don't", " ©", ""])
def test_english_is_written_in_latin_letters(word: str) -> None:
    assert context.is_latin(word)


@pytest.mark.parametrize("word", [" 你很", " 谢谢", " 2-3ตว", " ᄋ", " ここここ", " да"])
def test_letters_of_other_scripts_are_made_up(word: str) -> None:
    assert not context.is_latin(word)
