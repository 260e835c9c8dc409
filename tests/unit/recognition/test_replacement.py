"""U+FFFD leaves no engine."""

import pytest

from vivavoce.recognition.contract import DecodeRequest, Hypothesis, SpokenWord
from vivavoce.recognition.engines.moonshine_tokens import Tokenizer
from vivavoce.recognition.engines.whisper_words import words_of
from vivavoce.recognition.replacement import REPLACEMENT, readable
from vivavoce.recognition.validation import checked

A = "啊".encode()


@pytest.mark.parametrize("spelled", [A[:1], A[:2], b"\xff", REPLACEMENT.encode()])
def test_bytes_that_are_no_character_are_left_out(spelled: bytes) -> None:
    assert readable(A + spelled) == "啊"
    assert readable(b" yes" + spelled + b"!") == " yes!"


def test_moonshine_leaves_out_a_character_that_broke_off() -> None:
    tokenizer = Tokenizer([b"<unk>", b"<s>", b"</s>", "▁".encode() + A, A[:2], "▁no".encode()])
    assert tokenizer.text([3, 4]) == " 啊"
    assert tokenizer.text([5, 4]) == " no"
    assert tokenizer.text([4]) == ""


@pytest.mark.parametrize("spaced", [True, False])
def test_whisper_leaves_out_a_character_that_broke_off(*, spaced: bool) -> None:
    assert "".join(word.text for word in words_of([b" ", A, A[:2]], spaced=spaced)) == " 啊"
    assert words_of([REPLACEMENT.encode(), A[:1]], spaced=spaced) == ()


def test_no_engine_brings_it_past_the_check() -> None:
    request = DecodeRequest(bytes(64_000), "final", "zh")
    words = (SpokenWord(" 啊�", 0, 100, 0.9), SpokenWord(" �", 200, 300, 0.4))
    found = checked(Hypothesis(" 啊� �", words, "zh", 0.8), request)
    assert (found.text, [word.text for word in found.words]) == (" 啊 ", [" 啊"])
    nothing = checked(Hypothesis(" �", words[1:], "zh", 0.8), request)
    assert (nothing.text, nothing.words) == ("", ())
