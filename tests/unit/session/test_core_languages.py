"""The core asks for languages, and decodes in what the rules make of the answers."""

from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.messages import Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.core import Core, CoreConfig, CoreState
from vivavoce.session.effects import Decode, Effect, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import EndpointingRules

NOW = 1_700_000_000.0
UTTERANCE = [0.99] * 70 + [0.0] * 10
"""Windows of 32 ms: 2.2 s of speech and its end."""
EN_FR = ("en", "fr")


def core(
    *,
    candidates: Sequence[str] = EN_FR,
    switching: bool = False,
    channels: int = 1,
    partials: bool = False,
    maximum: float = 5,
    state: CoreState | None = None,
) -> Core:
    rules = EndpointingRules.from_settings(
        endpointing=0.05, maximum_duration=maximum, speech_threshold=0.6
    )
    languages = LanguageRules(tuple(candidates), switching)
    config = CoreConfig("s", channels, rules, partials, context=15 * SAMPLE_RATE)
    return Core(msgspec.structs.replace(config, languages=languages), state)


def requests(effects: Iterable[Effect]) -> list[Decode]:
    return [effect for effect in effects if isinstance(effect, Decode)]


def is_in(language: str, probability: float = 0.9) -> Hypothesis:
    return Hypothesis("", (), language, probability)


def said(request: Decode, text: str = " yes") -> Hypothesis:
    word = SpokenWord(text, 0, request.end - request.start, 0.9)
    return Hypothesis(text, (word,), request.language, 0.9)


def answer(
    core: Core, effects: Iterable[Effect], guesses: Sequence[Hypothesis], text: str = " yes"
) -> list[tuple[int, int, str]]:
    """Answer all that is asked, questions in their order; gives channel, number and language."""
    waiting, guessed = requests(effects), iter(guesses)
    finals = []
    while waiting:
        request = waiting.pop(0)
        heard = next(guessed) if request.purpose == "language" else said(request, text)
        after = core.take(request, heard, NOW)
        waiting += requests(after)
        finals += [
            (request.channel, request.utterance, effect.message.data.utterance.language)
            for effect in after
            if isinstance(effect, Tell) and isinstance(effect.message, Transcript)
        ]
    return finals


def test_one_language_needs_no_question() -> None:
    one = core(candidates=["fr"], switching=True)
    (request,) = requests(one.hear([UTTERANCE], NOW))
    assert (request.purpose, request.language) == ("final", "fr")


def test_the_language_is_asked_before_the_final_and_on_five_seconds_at_most() -> None:
    session = core(maximum=15)
    (question,) = requests(session.hear([[0.99] * 180 + [0.0] * 10], NOW))
    assert question.purpose == "language"
    assert question.end - question.speech_start == 5 * SAMPLE_RATE
    (final,) = requests(session.take(question, is_in("fr"), NOW))
    assert (final.purpose, final.language) == ("final", "fr")
    assert final.end > question.end


def test_the_first_language_is_kept_for_the_session_and_asked_for_once() -> None:
    session = core()
    effects = session.hear([UTTERANCE * 3], NOW)
    assert len(requests(effects)) == 1
    assert answer(session, effects, [is_in("fr")]) == [(0, 0, "fr"), (0, 1, "fr"), (0, 2, "fr")]
    (later,) = requests(session.hear([UTTERANCE], NOW))
    assert (later.purpose, later.language) == ("final", "fr")


def test_what_is_not_sure_or_was_no_speech_decides_for_nothing_after_it() -> None:
    unsure = core()
    effects = unsure.hear([UTTERANCE * 3], NOW)
    guesses = [is_in("fr", 0.4), is_in("en"), is_in("fr")]
    assert [told[2] for told in answer(unsure, effects, guesses)] == ["fr", "en", "en"]
    noise = core()
    effects = noise.hear([UTTERANCE], NOW)
    assert answer(noise, effects, [is_in("fr")], text="") == []
    (question,) = requests(noise.hear([UTTERANCE], NOW))
    assert question.purpose == "language"


def test_the_channel_that_ends_its_utterance_first_decides_for_all() -> None:
    session = core(channels=2)
    late = [0.0] * 5 + UTTERANCE
    effects = session.hear([late, [*UTTERANCE, *[0.0] * 5]], NOW)
    (question,) = requests(effects)
    assert question.channel == 1
    assert sorted(answer(session, effects, [is_in("fr")])) == [(0, 0, "fr"), (1, 0, "fr")]


def test_with_code_switching_each_utterance_is_asked_about() -> None:
    session = core(switching=True)
    effects = session.hear([UTTERANCE * 3], NOW)
    guesses = [is_in("fr"), is_in("en"), is_in("fr", 0.3)]
    assert [told[2] for told in answer(session, effects, guesses)] == ["fr", "en", "en"]


def test_context_ends_where_the_language_changes() -> None:
    session = core(switching=True)
    (question,) = requests(session.hear([UTTERANCE], NOW))
    (first,) = requests(session.take(question, is_in("fr"), NOW))
    session.take(first, said(first), NOW)
    for language, serves in (("fr", True), ("en", False)):
        (question,) = requests(session.hear([UTTERANCE], NOW))
        (final,) = requests(session.take(question, is_in(language), NOW))
        assert (final.earlier is not None) == serves
        session.take(final, said(final), NOW)


def test_a_question_that_fails_leaves_the_likeliest_candidate() -> None:
    session = core()
    (question,) = requests(session.hear([UTTERANCE], NOW))
    (final,) = requests(session.take(question, None, NOW))
    assert final.language == "en"


def test_partials_wait_for_a_second_of_speech_and_use_what_it_seems_to_be() -> None:
    session = core(partials=True)
    assert requests(session.hear([[0.99] * 20], NOW)) == []
    (early,) = requests(session.hear([[0.99] * 20], NOW))
    assert early.purpose == "language"
    assert requests(session.take(early, is_in("fr", 0.4), NOW)) == []
    (partial,) = requests(session.hear([[0.99] * 10], NOW))
    assert (partial.purpose, partial.language) == ("partial", "fr")
    # A first guess binds nobody: the whole utterance is asked about again.
    (question,) = requests(session.hear([[0.0] * 10], NOW))
    assert question.purpose == "language"
    (final,) = requests(session.take(question, is_in("en"), NOW))
    assert final.language == "en"


def test_a_first_guess_that_comes_late_does_not_decide() -> None:
    session = core(partials=True)
    (early,) = requests(session.hear([[0.99] * 40], NOW))
    (question,) = requests(session.hear([[0.99] * 5 + [0.0] * 10], NOW))
    assert requests(session.take(early, is_in("fr"), NOW)) == []
    (final,) = requests(session.take(question, is_in("en"), NOW))
    assert final.language == "en"


@pytest.mark.parametrize("switching", [False, True])
@given(data=st.data())
def test_languages_do_not_depend_on_chunks_on_the_order_of_answers_or_on_restarts(
    switching: bool,  # noqa: FBT001 - drawn by name
    data: st.DataObject,
) -> None:
    """Answers are a function of the question; all else is drawn."""
    audio = [UTTERANCE * 3 + [0.0] * 20, [0.0] * 17 + UTTERANCE * 3 + [0.0] * 3]
    expected = play(core(switching=switching, channels=2), audio, None, switching=switching)
    assert len(expected) == 6
    assert play(core(switching=switching, channels=2), audio, data, switching=switching) == expected


def oracle(request: Decode) -> Hypothesis:
    language, probability = [("fr", 0.9), ("en", 0.9), ("en", 0.4), ("fr", 0.5)][
        (request.start // 512 + request.channel) % 4
    ]
    return is_in(language, probability)


def play(
    session: Core, audio: list[list[float]], data: st.DataObject | None, *, switching: bool
) -> dict[tuple[int, int], str]:
    """The language of every final, with chunks, answers and restarts in a drawn order."""
    finals: dict[tuple[int, int], str] = {}
    waiting: list[Decode] = []
    heard = 0

    def note(effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Tell) and isinstance(effect.message, Transcript):
                told = effect.message.data
                finals[told.utterance.channel, int(told.id[3:])] = told.utterance.language
        waiting.extend(requests(effects))

    while heard < len(audio[0]) or waiting:
        step = data.draw(st.sampled_from(["hear", "answer", "restart"])) if data else "hear"
        if step == "restart":
            session = core(switching=switching, channels=2, state=session.state)
            waiting.clear()
            note(session.resume())
        if heard < len(audio[0]) and (step == "hear" or not waiting):
            size = data.draw(st.integers(1, 60)) if data else 7
            note(session.hear([channel[heard : heard + size] for channel in audio], NOW))
            heard += size
        elif waiting:
            at = data.draw(st.integers(0, len(waiting) - 1)) if data else 0
            request = waiting.pop(at)
            answered = oracle(request) if request.purpose == "language" else said(request)
            note(session.take(request, answered, NOW))
    return finals
