"""When partials are asked for, with what, and which answers count."""

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.context import Earlier
from vivavoce.session.partials import INTERVAL, LEAST_SPEECH, Partials
from vivavoce.session.utterances import OpenUtterance

PRE_ROLL = 4_800
START = 100_000


def begun() -> Partials:
    partials = Partials(0)
    partials.begin(OpenUtterance(7, START, START + PRE_ROLL))
    return partials


def hypothesis(text: str) -> Hypothesis:
    words = tuple(
        SpokenWord(f" {word}", at * 4_000, (at + 1) * 4_000, 0.95)
        for at, word in enumerate(text.split())
    )
    return Hypothesis("".join(word.text for word in words), words, "en", 0.9)


def test_none_is_asked_for_before_enough_was_said() -> None:
    partials = begun()
    enough = START + PRE_ROLL + LEAST_SPEECH
    assert partials.request(enough - 1, "en") is None
    assert partials.request(enough, "en") is not None


def test_another_one_is_asked_for_after_the_interval() -> None:
    partials = begun()
    first = partials.request(START + SAMPLE_RATE, "en")
    assert partials.request(START + SAMPLE_RATE + INTERVAL - 1, "en") is None
    second = partials.request(START + SAMPLE_RATE + INTERVAL, "en")
    assert first is not None
    assert second is not None
    assert (first.refresh, second.refresh) == (False, True)


def test_the_last_hypothesis_is_the_draft_of_the_next_and_not_of_another_utterance() -> None:
    partials = begun()
    earlier = Earlier(START - SAMPLE_RATE, (" Well.",))
    first = partials.request(START + SAMPLE_RATE, "en", earlier)
    assert first is not None
    assert (first.draft, first.earlier) == ("", earlier)
    partials.shown(first, hypothesis("good morning"))
    second = partials.request(START + 2 * SAMPLE_RATE, "en")
    assert second is not None
    assert second.draft == " good morning"
    partials.begin(OpenUtterance(8, 2 * START, 2 * START))
    other = partials.request(2 * START + SAMPLE_RATE, "en")
    assert other is not None
    assert other.draft == ""


def test_the_same_text_is_not_shown_twice() -> None:
    partials = begun()
    first = partials.request(START + SAMPLE_RATE, "en")
    second = partials.request(START + 2 * SAMPLE_RATE, "en")
    assert first is not None
    assert second is not None
    assert partials.shown(first, hypothesis("good morning")) is not None
    assert partials.shown(second, hypothesis("good morning")) is None


def test_an_answer_that_was_overtaken_or_whose_utterance_has_ended_is_not_shown() -> None:
    partials = begun()
    first = partials.request(START + SAMPLE_RATE, "en")
    second = partials.request(START + 2 * SAMPLE_RATE, "en")
    third = partials.request(START + 3 * SAMPLE_RATE, "en")
    assert first is not None
    assert second is not None
    assert third is not None
    assert partials.shown(second, hypothesis("good morning")) is not None
    assert partials.shown(first, hypothesis("good")) is None
    partials.end()
    assert partials.shown(third, hypothesis("good morning all")) is None


def test_one_more_stable_word_is_shown_only_to_whoever_has_them_marked() -> None:
    for marked in (False, True):
        partials = begun()
        first = partials.request(START + SAMPLE_RATE, "en")
        second = partials.request(START + 2 * SAMPLE_RATE, "en")
        third = partials.request(START + 3 * SAMPLE_RATE, "en")
        assert first is not None
        assert second is not None
        assert third is not None
        said = hypothesis("good morning all")
        assert partials.shown(first, said, marked=marked) is not None
        assert partials.stable == ()
        assert (partials.shown(second, said, marked=marked) is not None) is marked
        assert len(partials.stable) == 2
        assert partials.shown(third, said, marked=marked) is None
