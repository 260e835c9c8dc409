"""When a final is heard once more, and what holds; the model is played."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from vivavoce.recognition.contract import SAMPLE_RATE, Context
from vivavoce.recognition.engines.whisper_care import CarefulListener, says_nothing
from vivavoce.recognition.engines.whisper_listening import Listener, Manner, Take
from vivavoce.recognition.engines.whisper_words import TokenWord

SPEECH = np.ones(2 * SAMPLE_RATE, np.float32)
EARLIER = Context(SPEECH.astype("<f4").tobytes(), (" What was said before.",))


def take(word: str, certainty: float = -0.1, no_speech: float = 0.0) -> Take:
    """Eight tokens that all spell one word."""
    tokens = (ord(word),) * 8
    sure = np.full(8, np.exp(certainty), np.float32)
    return Take(tokens, sure, np.arange(9), no_speech, ended=True)


class Played:
    """Gives one take for audio with context, another for audio alone."""

    def __init__(self, contextual: Take, alone: Take) -> None:
        self._takes = {True: contextual, False: alone}
        self.heard: list[bool] = []

    def hear(self, audios: Sequence[npt.NDArray[np.float32]], manner: Manner) -> list[Take]:
        assert len(audios) == 1
        self.heard.append(bool(manner.forced))
        return [self._takes[bool(manner.forced)]]

    def encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    def words(self, take: Take, _language: str) -> tuple[TokenWord, ...]:
        return tuple(TokenWord(f" {chr(token)}", (at,)) for at, token in enumerate(take.tokens))

    def without_loop(self, take: Take, _audio: object, _language: str) -> Take:
        return take

    def without_closing_marks(self, take: Take) -> Take:
        return take


def final(played: Played, context: Context = EARLIER) -> str:
    careful = CarefulListener(cast("Listener", played))
    return "".join(map(chr, careful.hear(SPEECH, "fr", context).tokens))[:1]


def test_what_is_sure_in_context_is_heard_once() -> None:
    played = Played(take("c"), take("a"))
    assert final(played) == "c"
    assert played.heard == [True]


@pytest.mark.parametrize(("alone", "text"), [(-0.5, "a"), (-2.0, "c")])
def test_of_a_weak_text_and_one_without_context_the_likelier_wins(alone: float, text: str) -> None:
    played = Played(take("c", -0.9), take("a", alone))
    assert final(played) == text


def test_the_capital_of_what_is_heard_alone_is_marked_where_it_goes_on() -> None:
    def heard(contextual: str) -> bool:
        played = Played(take(contextual, -0.9), take("A", -0.5))
        careful = CarefulListener(cast("Listener", played))
        return careful.hear(SPEECH, "fr", EARLIER).continues

    assert heard("a")
    assert not heard("A")
    assert not heard("b")


def test_speech_that_passes_for_silence_after_earlier_texts_is_not_lost() -> None:
    played = Played(take("c", -0.11, no_speech=0.56), take("a", -0.14, no_speech=0.05))
    assert final(played) == "c"


def test_what_is_silence_by_itself_has_no_text_in_context_either() -> None:
    played = Played(take("c", -1.05, no_speech=0.62), take("a", -1.2, no_speech=0.9))
    assert final(played) == ""


def test_without_context_the_audio_is_heard_alone() -> None:
    played = Played(take("c"), take("a"))
    assert final(played, Context()) == "a"
    assert played.heard == [False]


@pytest.mark.parametrize(
    ("no_speech", "certainty"),
    [
        (0.46, -0.43),  # es/telephony/demo-thanks, with the features of today
        (0.61, -0.46),  # "nine" four times
        (0.58, -0.40),  # "two" eight times
        (0.32, -1.20),  # one word in a strong accent
        (0.95, -0.90),
    ],
)
def test_neither_doubt_alone_takes_speech_away(no_speech: float, certainty: float) -> None:
    assert not says_nothing(take("c", certainty, no_speech))


def test_both_doubts_together_do() -> None:
    assert says_nothing(take("c", -1.1, 0.65))
