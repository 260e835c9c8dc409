"""Which texts a voice confirms; the figures are those of real sounds and of real speech."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.recognition.contract import Hypothesis, SpokenWord
from vivavoce.session.evidence import SHORTLY, Voice, confirmed, is_certain, is_confirmed

# What voice activity and the two recognisers made of sounds in which nobody speaks: windows of
# voice, mean probability, windows of clear voice, confidence, text.
INVENTED = [
    (4, 0.71, 1, 0.31, " You"),  # a blip of 0.1 s
    (4, 0.44, 0, 0.61, " You"),  # drums
    (20, 0.48, 0, 0.80, " Yeah."),  # a koala
    (75, 0.65, 0, 0.65, " © transcript Emily Beynon"),  # a synthesiser
    (9, 0.57, 1, 0.33, " This is."),  # laughter
    (10, 0.73, 1, 0.36, " Okay."),  # music
    (22, 0.95, 20, 0.27, " Dear."),  # a wolf
    (16, 0.89, 11, 0.17, " bae"),  # a sheep, Whisper
    (41, 0.84, 25, 0.16, " woooooooooo"),  # a man who falls, Whisper
    (30, 0.87, 18, 0.34, " I'm going to talk about it."),  # a man who drowns
]
# Short answers and other speech that nearly looks like that.
SAID = [
    (15, 0.77, 5, 0.67, " Nine."),
    (9, 0.85, 3, 0.78, " nine."),
    (14, 0.78, 8, 0.50, " Zero."),
    (16, 0.76, 7, 0.76, " the path."),
    (12, 0.95, 12, 0.39, " Nine."),  # Whisper
    (19, 0.90, 13, 0.53, " What do you?"),
    (69, 0.98, 66, 0.31, " a sentence in a strong accent"),
    (69, 0.98, 66, 0.31, "用普通话说的一句很长的句子没有空格"),
    (60, 0.98, 55, 0.90, " said as fast as an auctioneer says it of all things sold"),
]


def voice(windows: int, mean: float, clear: int) -> Voice:
    return Voice(windows, round(1000 * mean * windows), clear)


def answer(text: str, confidence: float) -> Hypothesis:
    words = (SpokenWord(text, 0, 1000, confidence),)
    return Hypothesis(text, words, "en", confidence, closing=0.95)


@pytest.mark.parametrize(("windows", "mean", "clear", "confidence", "text"), INVENTED)
def test_words_of_sounds_are_dropped(
    windows: int, mean: float, clear: int, confidence: float, text: str
) -> None:
    found = confirmed(answer(text, confidence), voice(windows, mean, clear))
    assert found is not None
    assert (found.text, found.words, found.carries, found.closing) == ("", (), False, None)


@pytest.mark.parametrize(("windows", "mean", "clear", "confidence", "text"), SAID)
def test_speech_and_short_answers_stay(
    windows: int, mean: float, clear: int, confidence: float, text: str
) -> None:
    said = answer(text, confidence)
    assert confirmed(said, voice(windows, mean, clear)) is said


def test_a_failure_and_an_empty_text_stay_what_they_are() -> None:
    empty = Hypothesis("", (), "en", 0.0)
    assert confirmed(None, Voice()) is None
    assert confirmed(empty, Voice()) is empty


def test_shortly_after_certain_speech_a_weak_word_is_believed() -> None:
    two, heard = answer(" two,", 0.73), voice(9, 0.67, 0)
    assert not is_confirmed(two, heard)
    assert is_confirmed(two, heard, SHORTLY)
    assert not is_confirmed(two, heard, SHORTLY + 1)
    assert is_certain(answer(" Nine", 0.9), voice(14, 0.92, 11))
    assert not is_certain(two, heard)
    assert not is_certain(None, heard)


def test_a_session_that_asks_for_fainter_speech_has_lower_limits() -> None:
    faint = [0.45] * 20
    assert not is_confirmed(answer(" well", 0.7), Voice.of(faint))
    assert is_confirmed(answer(" well", 0.7), Voice.of(faint, onset=0.25))


@given(st.lists(st.floats(0, 1), max_size=40), st.integers(0, 40), st.sampled_from([0.1, 0.5, 0.8]))
def test_what_is_added_in_parts_and_taken_away_again_is_the_same(
    probabilities: list[float], at: int, onset: float
) -> None:
    whole = Voice.of(probabilities, onset)
    first, rest = Voice.of(probabilities[:at], onset), Voice.of(probabilities[at:], onset)
    assert first + rest == whole
    assert whole - rest == first
    assert 0 <= whole.mean <= 1
