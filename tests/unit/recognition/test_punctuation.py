from collections.abc import Sequence

import pytest

from vivavoce.recognition.contract import DecodeRequest, Hypothesis, SpokenWord
from vivavoce.recognition.engines import scripted
from vivavoce.recognition.engines.scripted import sing
from vivavoce.recognition.punctuation import PunctuatedEngine, completed


def heard(*words: str) -> Hypothesis:
    spoken = tuple(SpokenWord(f" {word}", n, n + 1, 0.5) for n, word in enumerate(words))
    return Hypothesis("".join(word.text for word in spoken), spoken, "en", 0.5)


def texts(hypothesis: Hypothesis) -> Sequence[str]:
    return [word.text for word in hypothesis.words]


@pytest.mark.parametrize(
    ("words", "punctuated", "expected"),
    [
        (["hello", "there"], "Hello, there.", [" Hello,", " there."]),
        (["it's", "me"], "It's me!", [" It's", " me!"]),
        (["qué", "tal"], "¿Qué tal?", [" ¿Qué", " tal?"]),
        (["he", "said", "go"], 'He said: "Go!"', [" He", " said:", ' "Go!"']),
        (["well", "known"], "Well-known.", [" Well", " known."]),
        (["你", "好", "吗"], "你好，吗？", [" 你", " 好，", " 吗？"]),  # noqa: RUF001 - its marks
        (["yes"], "Yes .", [" Yes."]),
    ],
)
def test_every_word_gets_its_marks_and_case(
    words: list[str], punctuated: str, expected: list[str]
) -> None:
    found = completed(heard(*words), punctuated)
    assert texts(found) == expected
    assert found.text == "".join(expected)
    assert [(word.start, word.end) for word in found.words] == [
        (n, n + 1) for n in range(len(words))
    ]


@pytest.mark.parametrize("punctuated", ["Hello, their.", "Hello.", "Hello there you.", "", "."])
def test_a_model_that_changes_a_word_is_not_believed(punctuated: str) -> None:
    hypothesis = heard("hello", "there")
    assert completed(hypothesis, punctuated) is hypothesis


class Sentences:
    """Makes a text a sentence: what a punctuation model does, without one."""

    languages = frozenset({"en"})

    def punctuate(self, text: str) -> str:
        return f"{text.capitalize()}."


def test_finals_are_completed_and_partials_left_as_they_are_heard() -> None:
    engine = PunctuatedEngine(scripted.load(languages=["en", "de"]), Sentences())
    assert not engine.capabilities.punctuates  # not in German
    audio = sing("alfa bravo")
    final, partial, german = engine.decode(
        [
            DecodeRequest(audio, "final", "en"),
            DecodeRequest(audio, "partial", "en"),
            DecodeRequest(audio, "final", "de"),
        ]
    )
    assert final.text == " Alfa bravo."
    assert partial.text == german.text == "alfa bravo"
    assert PunctuatedEngine(scripted.load(), Sentences()).capabilities.punctuates
