"""What a speaker says again and again, and what a decoder does when it goes round."""

import numpy as np
import numpy.typing as npt
import pytest

from vivavoce.recognition.repetition import (
    compressibility,
    fits,
    is_loop,
    loop_at_end,
    repeats,
    sounds,
    times_said,
    without_loop,
    words_said,
)

Floats = npt.NDArray[np.float32]
RATE = 16_000


def said(count: int, gap: float, length: float = 0.35, level: float = 0.2) -> Floats:
    """So many sounds of a length in seconds, with gaps of faint noise between them."""
    random = np.random.default_rng(count)
    time = np.arange(round(length * RATE)) / RATE
    sound = level * np.sin(2 * np.pi * 180 * time)
    silence = np.zeros(round(gap * RATE))
    whole = np.concatenate([silence, *(part for _ in range(count) for part in (sound, silence))])
    return (whole + 1e-4 * random.standard_normal(len(whole))).astype(np.float32)


@pytest.mark.parametrize("level", [0.2, 0.02])
@pytest.mark.parametrize("gap", [0.12, 0.3, 0.6])
@pytest.mark.parametrize("count", [1, 4, 12])
def test_words_said_apart_are_sounds_of_their_own(count: int, gap: float, level: float) -> None:
    assert sounds(said(count, gap, level=level)) == count


def test_the_closure_of_a_consonant_divides_no_sound() -> None:
    assert sounds(said(2, 0.07)) == 1


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("abc", "abc"),
        ("abcabc", "abcabc"),  # twice is emphasis
        ("abcabcabc", "abc"),
        ("xyaaaa", "xya"),
        ("xyababab", "xyab"),
        ("xyabababa", "xyab"),
        ("aaab", "aaab"),
    ],
)
def test_a_phrase_that_goes_round_at_the_end_is_kept_once(text: str, kept: str) -> None:
    tokens = [ord(character) for character in text]
    assert text[: without_loop(tokens)] == kept


@pytest.mark.parametrize(("times", "kept"), [(0, 1), (1, 1), (3, 3), (5, 5), (9, 5)])
def test_it_is_kept_as_often_as_it_was_said(times: int, kept: int) -> None:
    tokens = [7, *[1, 2] * 5]
    assert without_loop(tokens, times) == 1 + 2 * kept


@pytest.mark.parametrize(
    ("count", "words", "phrase", "times"),
    [
        (8, 0, 1, 8),  # "two" eight times: the model wrote ten and did not end
        (8, 2, 1, 6),
        (8, 0, 2, 8),  # "the worst" eight times, each one sound
        (16, 0, 2, 8),
        (16, 0, 4, 1),  # "is the one who is the one who …"
        (1, 0, 1, 1),  # a sound that made the decoder go round
    ],
)
def test_a_text_that_did_not_end_is_believed_as_often_as_there_are_sounds(
    count: int, words: int, phrase: int, times: int
) -> None:
    loop = loop_at_end([2, 9] * 10)
    assert loop is not None
    audio = said(count, 0.2)
    assert times_said(loop, audio, words=words, phrase=phrase, ended=False) == times


@pytest.mark.parametrize(("count", "times"), [(12, 10), (9, 9), (3, 3), (2, 10), (1, 10)])
def test_a_text_that_ended_is_believed_unless_the_sounds_show_a_shorter_one(
    count: int, times: int
) -> None:
    loop = loop_at_end([2, 9] * 10)
    assert loop is not None
    assert times_said(loop, said(count, 0.2), words=0, phrase=1, ended=True) == times


@pytest.mark.parametrize(
    ("text", "audio", "words"),
    [
        ("Nine. Nine.", said(1, 0.3), 1),  # a digit that was heard twice
        ("No no no no", said(1, 0.3, length=1.1), 4),  # in one breath
        ("no, no, no", said(3, 0.3), 3),
        ("One. One. One. One.", said(3, 0.3), 3),
        ("Bye-bye", said(1, 0.3), 1),
        ("very much", said(1, 0.3, length=0.2), 2),
    ],
)
def test_one_word_again_and_again_has_a_sound_for_each(
    text: str, audio: Floats, words: int
) -> None:
    assert words_said(text.split(), audio) == words


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("Three, three.", False),
        ("five five five", True),
        ("Yes, yes, no.", False),
        ("It was the best of times. It was the best of times.", True),
        ("the best of times the worst of times", False),
        ("Go on, go on.", False),
        ("and then it was the end it was the end it was over", True),
        ("", False),
    ],
)
def test_a_long_phrase_twice_or_any_phrase_thrice_in_a_row_is_a_repetition(
    text: str, *, repeated: bool
) -> None:
    assert repeats(text.split()) is repeated


def test_a_repetition_with_a_sound_for_each_word_is_no_loop() -> None:
    seven = ["seven"] * 12
    assert not is_loop(seven, said(12, 0.2))
    assert is_loop(seven, said(3, 0.2))
    assert not is_loop(["one", "two", "three"], said(1, 0.2))
    assert fits(4, said(3, 0.3))
    assert not fits(5, said(3, 0.3))


def test_a_loop_compresses_better_than_anything_said() -> None:
    best = "It was the best of times, it was the worst of times, it was the age of wisdom."
    assert compressibility(best) < 2.4
    assert compressibility("Thank you for watching. " * 8) > 2.4
    assert compressibility("") == 0
