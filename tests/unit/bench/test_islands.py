"""Short answers are cut where there are pauses, and only where it is known what they say."""

import numpy as np
import pytest
from accuracy.islands import FRAME, Floats, Island, answers, islands, loudness, one_each, quietest
from accuracy.short import Answer, sound_of

from vivavoce.recognition.contract import SAMPLE_RATE, SpokenWord

GENERATOR = np.random.default_rng(1)


def sounding(*pattern: tuple[float, float]) -> Floats:
    """Noise of so many seconds at so much amplitude."""
    parts = (GENERATOR.normal(0, loud, round(length * SAMPLE_RATE)) for length, loud in pattern)
    return np.concatenate([*parts]).astype(np.float32)


def word(text: str, start: int, end: int) -> SpokenWord:
    """A word between two frames."""
    return SpokenWord(f" {text}", start * FRAME, end * FRAME, 1.0)


def test_sounds_apart_are_islands_and_a_short_gap_belongs_to_a_word() -> None:
    silence = (0.5, 0.0005)
    samples = sounding(silence, (0.3, 0.2), (0.1, 0.0005), (0.2, 0.2), silence, (0.4, 0.1), silence)
    assert islands(loudness(samples)) == [Island(50, 110), Island(160, 200)]


def test_a_click_is_no_word() -> None:
    samples = sounding((0.5, 0.0005), (0.03, 0.2), (0.5, 0.0005), (0.3, 0.2), (0.5, 0.0005))
    assert islands(loudness(samples)) == [Island(103, 133)]


def test_the_quietest_stretch_is_found() -> None:
    samples = sounding((0.5, 0.01), (0.4, 0.0005), (0.5, 0.2))
    assert 50 <= quietest(loudness(samples)).start <= 60


def test_words_one_by_one_need_as_many_islands_whose_pauses_may_be_short() -> None:
    silence, pause = (0.5, 0.0005), (0.15, 0.0005)
    decibels = loudness(sounding(silence, (0.3, 0.2), pause, (0.2, 0.2), silence))
    assert one_each(["one", "two"], decibels) == [(Island(50, 80), "one"), (Island(95, 115), "two")]
    assert one_each(["one"], decibels) == [(Island(50, 115), "one")]
    assert one_each(["one", "two", "three"], decibels) == []


SAID = ["No", "more", "messages.", "Please", "try", "again."]
HEARD = [
    word("No", 10, 20),
    word("more", 20, 40),
    word("messages.", 40, 80),
    word("please", 120, 150),
    word("try", 150, 160),
    word("again", 160, 200),
]
FOUND = [Island(8, 82), Island(118, 202)]


def test_an_island_says_the_words_that_were_heard_right_in_it() -> None:
    said = list(answers(SAID, HEARD, FOUND))
    assert said == [(FOUND[0], "No more messages."), (FOUND[1], "Please try again.")]


@pytest.mark.parametrize("wrong", [2, 3])
def test_where_a_word_next_to_the_cut_was_misheard_nobody_knows(wrong: int) -> None:
    heard = [*HEARD]
    heard[wrong] = word("monkeys", heard[wrong].start // FRAME, heard[wrong].end // FRAME)
    assert list(answers(SAID, heard, FOUND)) == []


def test_a_word_that_was_left_out_is_not_cut_away() -> None:
    assert list(answers(["Well", *SAID], HEARD, FOUND))[:1] == [(FOUND[1], "Please try again.")]


def test_more_than_three_words_are_no_short_answer() -> None:
    assert list(answers(SAID, HEARD, [Island(8, 202)])) == []


def test_an_answer_lies_between_silences_of_its_own_recording() -> None:
    samples = sounding((0.5, 0.001), (0.5, 0.2), (0.5, 0.001))
    answer = Answer("id", "digit", 0.46, 1.04, (0.0, 0.3), "one")
    heard = sound_of(answer, samples)
    assert heard.seconds == pytest.approx(0.8 + 0.58 + 1.2)
    decibels = loudness(heard.samples()[0])
    assert decibels[:80].max() < decibels[86:130].min() - 20
    assert decibels[:80].mean() == pytest.approx(decibels[-100:].mean(), abs=1)
    assert decibels.min() > -70
