import pytest

from vivavoce.recognition.engines.whisper_words import TokenWord, closing_marks, words_of


def spelled(*pieces: str | bytes, spaced: bool = True) -> tuple[TokenWord, ...]:
    encoded = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    return words_of(encoded, spaced=spaced)


def texts(*pieces: str | bytes, spaced: bool = True) -> list[str]:
    return [word.text for word in spelled(*pieces, spaced=spaced)]


def test_tokens_between_spaces_are_a_word() -> None:
    words = spelled(" Auch", " dies", "mal", " beh", "aupt", "en", " die")
    assert [word.text for word in words] == [" Auch", " diesmal", " behaupten", " die"]
    assert [word.tokens for word in words] == [(0,), (1, 2), (3, 4, 5), (6,)]


def test_a_text_begins_with_a_space_even_if_its_first_token_does_not() -> None:
    assert texts("Auch", " das") == [" Auch", " das"]
    assert texts("你", "好", spaced=False) == [" 你", "好"]


def test_punctuation_belongs_to_the_word_before_it_but_has_no_time() -> None:
    words = spelled(" ja", ",", " nein", ".", " -", " doch", "!")
    assert [word.text for word in words] == [" ja,", " nein. -", " doch!"]
    assert [word.tokens for word in words] == [(0,), (2,), (5,)]


def test_opening_marks_belong_to_the_word_after_them() -> None:
    assert texts(" ¿", "Qué", " es", "?") == [" ¿Qué", " es?"]
    assert texts(" (", " so", ")") == [" (so)"]
    assert texts("他", "说", "「", "好", "」", "。", spaced=False) == [" 他", "说", "「好」。"]


def test_a_mark_before_the_first_word_joins_it() -> None:
    assert texts(" -", " Ja") == [" -Ja"]


def test_a_last_opening_mark_is_not_lost() -> None:
    assert texts("好", "「", spaced=False) == [" 好「"]


@pytest.mark.parametrize("spaced", [True, False])
@pytest.mark.parametrize("pieces", [(), ("",), (" ",), (" ...",), (" ♪", "♪"), ("。",)])
def test_without_a_sound_there_are_no_words(pieces: tuple[str, ...], spaced: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert texts(*pieces, spaced=spaced) == []


def test_without_spaces_each_token_is_a_word() -> None:
    words = spelled("今日", "は", "、", "天気", spaced=False)
    assert [word.text for word in words] == [" 今日", "は、", "天気"]
    assert [word.tokens for word in words] == [(0,), (1,), (3,)]


def test_a_character_across_tokens_is_not_torn() -> None:
    first, second, third = (bytes([byte]) for byte in "語".encode())
    words = spelled("日", "本", first, second + third, "だ", spaced=False)
    assert [word.text for word in words] == [" 日", "本", "語", "だ"]
    assert words[2].tokens == (2, 3)


def test_half_a_character_at_the_end_is_left_out() -> None:
    assert texts(" gut", " ", b"\xe8\xaa") == [" gut"]


def test_foreign_words_and_numbers_stay_whole_amid_characters() -> None:
    pieces = ("用", "Py", "thon", "写", " Hello", " World", "共", "20", "26", "年")
    assert texts(*pieces, spaced=False) == [
        " 用", "Python", "写", " Hello", " World", "共", "2026", "年",
    ]  # fmt: skip


def test_combining_signs_stay_with_their_character() -> None:
    assert texts("ท", "\u0e35", "\u0e48", "น", "\u0e35", "\u0e49", spaced=False) == [" ที่", "นี้"]


@pytest.mark.parametrize(
    ("pieces", "count"),
    [
        ((".", " Und"), 1),
        ((" Und", "."), 0),
        ((".", " -", " (", "so"), 2),
        (("。", "好"), 1),
        ((), 0),
    ],
)
def test_marks_that_close_what_was_before_are_counted(pieces: tuple[str, ...], count: int) -> None:
    assert closing_marks([piece.encode() for piece in pieces]) == count


def test_hebrew_arabic_and_hindi_are_divided_at_spaces() -> None:
    assert texts(" שלום", " עולם", ".") == [" שלום", " עולם."]
    assert texts(" مرح", "با", "،", " كيف") == [" مرحبا،", " كيف"]
    assert texts(" नम", "स्", "ते", " दुनिया", "।") == [" नमस्ते", " दुनिया।"]


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (
            (" correspond", "ante", ".", "en", " écout", "ant"),
            [" correspondante.", " en", " écoutant"],
        ),
        ((" Yes", ",", "please"), [" Yes,", " please"]),
        ((" St", ".", "Louis"), [" St.", " Louis"]),
        ((" example", ".", "com"), [" example.com"]),
        ((" p", ".", "m", "."), [" p.m."]),
        ((" 3", ".", "5"), [" 3.5"]),
        ((" B", "2", ".", "next"), [" B2.next"]),
        ((" d", "'", "un"), [" d'un"]),
        ((" Ph", ".", "D"), [" Ph.D"]),
    ],
)
def test_a_word_after_a_mark_is_told_apart_though_no_space_was_written(
    pieces: tuple[str, ...], words: list[str]
) -> None:
    assert texts(*pieces) == words
