from pathlib import Path

import pytest

from vivavoce.recognition.engines.moonshine_tokens import Tokenizer

PIECES = ["<unk>", "<s>", "</s>", "▁Hello", "▁wor", "ld", ",", "▁-", "▁", "<<ST_7>>", "!", "▁▁"]
UNK, START, END, HELLO, WOR, LD, COMMA, DASH, SPACE, CONTROL, BANG, SPACES = range(len(PIECES))


def tokenizer(*more: bytes) -> Tokenizer:
    return Tokenizer([*(piece.encode() for piece in PIECES), *more])


def test_a_text_is_its_words_with_one_space_before_each() -> None:
    words = tokenizer().words([HELLO, COMMA, WOR, LD, BANG])
    assert [word.text for word in words] == [" Hello,", " world!"]
    assert tokenizer().text([HELLO, COMMA, WOR, LD, BANG]) == " Hello, world!"


def test_a_word_knows_the_tokens_that_sound_and_not_its_punctuation() -> None:
    assert [word.tokens for word in tokenizer().words([HELLO, COMMA, WOR, LD])] == [(0,), (2, 3)]


def test_a_mark_that_stands_alone_belongs_to_the_word_before_it() -> None:
    words = tokenizer().words([HELLO, DASH, WOR, LD])
    assert [word.text for word in words] == [" Hello -", " world"]


def test_a_mark_before_all_words_belongs_to_the_first() -> None:
    assert [word.text for word in tokenizer().words([DASH, HELLO])] == [" - Hello"]


@pytest.mark.parametrize("tokens", [[], [DASH], [SPACE, COMMA, BANG], [CONTROL, START, END, UNK]])
def test_without_a_letter_or_digit_nothing_was_said(tokens: list[int]) -> None:
    assert tokenizer().text(tokens) == ""


def test_control_tokens_and_extra_spaces_leave_no_trace() -> None:
    assert tokenizer().text([SPACES, HELLO, CONTROL, SPACE, SPACES, WOR, LD]) == " Hello world"


def test_a_space_of_its_own_begins_the_next_word() -> None:
    words = tokenizer().words([HELLO, SPACE, LD])
    assert [(word.text, word.tokens) for word in words] == [(" Hello", (0,)), (" ld", (2,))]


def test_a_letter_spelled_in_bytes_is_put_together() -> None:
    spelled = tokenizer(b"\xc3", b"\xa9")
    assert spelled.text([HELLO, len(PIECES), len(PIECES) + 1]) == " Helloé"


def test_a_vocabulary_file_is_read_with_short_long_and_empty_records(tmp_path: Path) -> None:
    long = b"x" * 300
    file = tmp_path / "tokenizer.bin"
    file.write_bytes(b"\x02ab" + b"\x00" + bytes([300 % 128 + 128, 300 // 128]) + long)
    assert Tokenizer.load(file).text([0, 1, 2]) == " ab" + long.decode()


@pytest.mark.parametrize("broken", [b"\x05ab", b"\x80", b"\x81\x01x"])
def test_a_vocabulary_that_breaks_off_is_refused(tmp_path: Path, broken: bytes) -> None:
    file = tmp_path / "tokenizer.bin"
    file.write_bytes(broken)
    with pytest.raises(ValueError, match="breaks off"):
        Tokenizer.load(file)
