"""The language rules of the contract, as a table of guesses and what they decide."""

from collections.abc import Sequence

import pytest

from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.session.language import Guess, LanguageRules, begin, decide, rules_for, settle

SURE, UNSURE = 0.9, 0.4


def decided(
    rules: LanguageRules,
    guesses: Sequence[tuple[str, float]],
    channels: Sequence[int] = (),
    seconds: float = 2,
) -> list[str]:
    """The languages of utterances of such a length, given what an engine takes each of them for."""
    state = begin(rules, max(channels, default=0) + 1)
    languages = []
    for index, (language, probability) in enumerate(guesses):
        channel = channels[index] if channels else 0
        guess = Guess(language, probability, round(seconds * SAMPLE_RATE))
        told, state = decide(rules, state, channel, guess)
        state = settle(rules, state, guess)
        languages.append(told)
    return languages


def test_one_language_is_used_whatever_is_heard() -> None:
    for switching in (False, True):
        rules = rules_for(["fr"], {"en", "fr"}, switching=switching)
        assert not rules.guessing
        assert decided(rules, [("en", SURE), ("de", SURE)]) == ["fr", "fr"]


def test_the_first_sure_utterance_decides_for_the_session() -> None:
    rules = rules_for([], ["en", "fr", "de"], switching=False)
    assert decided(rules, [("fr", SURE), ("en", SURE)]) == ["fr", "fr"]
    assert decided(rules, [("fr", UNSURE), ("en", SURE), ("de", SURE)]) == ["fr", "en", "en"]


def test_short_utterances_decide_together() -> None:
    rules = rules_for([], ["en", "fr", "de"], switching=False)
    # A second in which the model is very sure decides alone.
    assert decided(rules, [("fr", 0.95), ("en", 0.95), ("en", SURE)], seconds=1) == ["fr"] * 3
    # Two seconds, half in one language and half in another, are not sure; with a third they are.
    guesses = [("fr", 0.8), ("en", 0.85), ("en", 0.85), ("en", 0.85), ("de", 0.85), ("de", 0.85)]
    assert decided(rules, guesses, seconds=1)[1:] == ["en"] * 5
    assert decided(rules, [("fr", 0.8), ("en", UNSURE), ("fr", 0.8)], seconds=1)[1] == "fr"


def test_less_than_a_second_never_decides_alone() -> None:
    rules = rules_for([], ["en", "fr"], switching=False)
    assert decided(rules, [("fr", 0.9), ("en", 0.95)], seconds=0.9) == ["fr", "en"]
    rules = rules_for([], ["en", "fr"], switching=True)
    assert decided(rules, [("fr", 0.9), ("en", 1.0)], seconds=0.9) == ["fr", "fr"]


def test_what_never_becomes_sure_is_decided_after_ten_seconds() -> None:
    rules = rules_for([], ["en", "fr"], switching=False)
    guesses = [("fr", 0.55)] * 5 + [("en", SURE)] * 9
    assert decided(rules, guesses) == ["fr"] * 14


def test_the_first_channel_to_speak_decides_for_all() -> None:
    rules = rules_for(["en", "fr"], ["en", "fr"], switching=False)
    assert decided(rules, [("fr", SURE), ("en", SURE)], channels=[1, 0]) == ["fr", "fr"]


def test_with_code_switching_each_utterance_has_its_own() -> None:
    rules = rules_for(["en", "fr"], ["en", "fr"], switching=True)
    assert decided(rules, [("en", SURE), ("fr", SURE), ("en", SURE)]) == ["en", "fr", "en"]


def test_an_unsure_utterance_stays_with_the_language_before_it_on_its_channel() -> None:
    rules = rules_for(["en", "fr"], ["en", "fr"], switching=True)
    guesses = [("en", SURE), ("fr", SURE), ("fr", UNSURE), ("en", UNSURE)]
    assert decided(rules, guesses, channels=[0, 1, 0, 1]) == ["en", "fr", "en", "fr"]
    assert decided(rules, [("fr", UNSURE), ("en", UNSURE)]) == ["fr", "fr"]


def test_the_wish_is_restricted_to_what_can_be_decoded() -> None:
    assert rules_for(["cy", "fr", "fr"], ["en", "fr"], switching=True).candidates == ("fr",)
    assert rules_for([], ["en", "fr"], switching=False).candidates == ("en", "fr")
    with pytest.raises(ValueError, match="cy"):
        rules_for(["cy"], ["en"], switching=False)
