"""Finals are asked for when speech falls silent, and leave when the silence lasts."""

from collections.abc import Iterable, Sequence

import msgspec
import pytest

from vivavoce.protocol.messages import ErrorMessage, SpeechEnd, SpeechStart, Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.channel import LEAD_SAMPLES
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.effects import Abandon, Confirm, Decode, Effect, Show, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import WINDOW_SAMPLES, EndpointingRules

NOW = 1_700_000_000.0
SPEECH, SILENCE = [0.99], [0.0]
PAUSE, LAST = SILENCE * 2, SILENCE * 3
"""``endpointing`` is 0.15 s here: two windows of silence are a pause, five end an utterance."""


def core(
    *, foresee: bool = True, partials: bool = False, languages: LanguageRules | None = None
) -> Core:
    rules = EndpointingRules.from_settings(
        endpointing=0.15, maximum_duration=5, speech_threshold=0.6
    )
    config = CoreConfig("s", 1, rules, partials, context=15 * SAMPLE_RATE, foresee=foresee)
    if languages is not None:
        config = msgspec.structs.replace(config, languages=languages)
    return Core(config)


def hear(session: Core, probabilities: Sequence[float]) -> list[Effect]:
    return session.hear([probabilities], NOW)


def asked(effects: Iterable[Effect]) -> list[Decode]:
    return [effect for effect in effects if isinstance(effect, Decode)]


def told(effects: Iterable[Effect]) -> list[object]:
    return [effect.message for effect in effects if isinstance(effect, Tell)]


def said(request: Decode, text: str = " yes") -> Hypothesis:
    word = SpokenWord(text, 0, request.end - request.start, 0.9)
    return Hypothesis(text, (word,), request.language, 0.9)


def foreseen(session: Core, speech: int = 30) -> Decode:
    """Have something said, and give the final that is foreseen in the pause after it."""
    (request,) = asked(hear(session, SPEECH * speech + PAUSE))
    assert request.foreseen
    return request


def as_asked_late(speech: int = 30) -> Decode:
    """The request for the same final by a core that foresees nothing."""
    (request,) = asked(hear(core(foresee=False), SPEECH * speech + PAUSE + LAST))
    return request


def test_the_final_is_asked_for_in_the_pause_as_it_would_be_at_the_end() -> None:
    request = foreseen(core())
    assert msgspec.structs.replace(request, foreseen=False) == as_asked_late()


def test_an_answer_that_came_in_the_pause_is_the_final_at_its_end() -> None:
    session = core()
    request = foreseen(session)
    assert session.take(request, said(request), NOW) == []
    assert told(hear(session, LAST[1:])) == []
    effects = hear(session, SILENCE)
    assert asked(effects) == []
    assert [effect for effect in effects if isinstance(effect, Confirm)] == [
        Confirm(request, said(request))
    ]
    end, final = told(effects)
    assert isinstance(end, SpeechEnd)
    assert isinstance(final, Transcript)
    assert (final.data.id, final.data.is_final) == ("00_00000000", True)
    assert final.data.utterance.text == " yes"
    assert session.waiting == 0


def test_an_answer_that_comes_after_the_end_is_the_final() -> None:
    session = core()
    request = foreseen(session)
    effects = hear(session, LAST)
    assert asked(effects) == []
    assert Confirm(request, None) in effects
    (final,) = told(session.take(request, said(request), NOW))
    assert isinstance(final, Transcript)
    assert final.data.is_final


def test_in_a_long_pause_the_final_is_foreseen_shortly_before_its_end() -> None:
    rules = EndpointingRules.from_settings(endpointing=1, maximum_duration=5, speech_threshold=0.6)
    session = Core(CoreConfig("s", 1, rules, partials=False, context=15 * SAMPLE_RATE))
    assert asked(hear(session, SPEECH * 30)) == []
    silent = next(count for count in range(1, 99) if asked(hear(session, SILENCE)))
    left = next(count for count in range(1, 99) if told(hear(session, SILENCE)))
    assert 0.8 < silent * WINDOW_SAMPLES / SAMPLE_RATE < 0.9
    assert left * WINDOW_SAMPLES <= LEAD_SAMPLES


def test_nothing_is_asked_again_while_the_pause_lasts() -> None:
    session = core()
    foreseen(session)
    for _ in LAST[1:]:
        assert hear(session, SILENCE) == []


def test_a_final_is_dropped_when_speech_goes_on_and_the_next_pause_has_its_own() -> None:
    session = core()
    first = foreseen(session)
    assert hear(session, SPEECH) == [Abandon(first)]
    assert session.take(first, said(first), NOW) == []
    (second,) = asked(hear(session, SPEECH + PAUSE))
    assert (second.start, second.end) == (first.start, first.end + 4 * WINDOW_SAMPLES)
    assert Confirm(second, None) in hear(session, LAST)


def test_an_answer_to_what_was_dropped_is_no_final() -> None:
    session = core()
    first = foreseen(session)
    session.take(first, said(first, " wrong"), NOW)
    (end,) = told(hear(session, SPEECH + PAUSE + LAST))
    assert isinstance(end, SpeechEnd)
    assert session.waiting == 1


def test_pauses_that_are_over_within_one_step_are_not_foreseen() -> None:
    assert asked(hear(core(), SPEECH * 20 + SILENCE * 3 + SPEECH * 20)) == []
    (request,) = asked(hear(core(), SPEECH * 20 + PAUSE + LAST))
    assert not request.foreseen


def test_the_end_of_one_and_the_pause_of_the_next_may_come_in_one_step() -> None:
    session = core()
    first = foreseen(session)
    effects = hear(session, LAST + SPEECH * 20 + PAUSE)
    assert Confirm(first, None) in effects
    assert asked(effects) == []  # the context of the second is not known yet
    final, *_ = session.take(first, said(first), NOW)
    assert isinstance(final, Tell)


def test_what_waits_for_context_is_foreseen_once_that_is_out() -> None:
    session = core()
    first = foreseen(session)
    hear(session, LAST)
    assert asked(hear(session, SPEECH * 30 + PAUSE)) == []
    (second,) = asked(session.take(first, said(first), NOW))
    assert second.foreseen
    assert second.earlier is not None
    assert second.earlier.finals == (" yes",)


def test_a_stop_in_a_pause_confirms() -> None:
    session = core()
    request = foreseen(session)
    session.take(request, said(request), NOW)
    effects = session.stop(32 * WINDOW_SAMPLES + 100, NOW)
    end, final = told(effects)
    assert isinstance(end, SpeechEnd)
    assert isinstance(final, Transcript)
    assert session.finished


def test_a_stop_after_a_pause_that_was_over_drops_nothing_that_is_wanted() -> None:
    session = core()
    hear(session, SPEECH * 30 + PAUSE)
    hear(session, SPEECH)
    (request,) = asked(session.stop(32 * WINDOW_SAMPLES, NOW))
    assert not request.foreseen
    assert request.end == 32 * WINDOW_SAMPLES


def test_the_longest_duration_reached_in_a_pause_confirms() -> None:
    session = core()
    hear(session, SPEECH * 154)
    (request,) = asked(hear(session, PAUSE))
    assert Confirm(request, None) in hear(session, SILENCE)


@pytest.mark.parametrize("heard_again", [True, False])
def test_a_guess_that_failed_is_asked_for_again_at_the_end_and_only_then(
    *, heard_again: bool
) -> None:
    session = core()
    request = foreseen(session)
    assert session.take(request, None, NOW) == []
    assert hear(session, SILENCE * 2) == []
    effects = hear(session, LAST[2:])
    (again,) = asked(effects)
    assert again == msgspec.structs.replace(request, foreseen=False)
    assert not [effect for effect in effects if isinstance(effect, Confirm)]
    (message,) = told(session.take(again, said(again) if heard_again else None, NOW))
    assert isinstance(message, Transcript if heard_again else ErrorMessage)


def test_what_fails_after_the_end_has_failed() -> None:
    session = core()
    request = foreseen(session)
    hear(session, LAST)
    (failure,) = told(session.take(request, None, NOW))
    assert isinstance(failure, ErrorMessage)
    assert session.waiting == 0


def test_an_empty_answer_is_an_answer() -> None:
    session = core()
    request = foreseen(session)
    session.take(request, Hypothesis("", (), "en", 0.0), NOW)
    effects = hear(session, LAST)
    assert asked(effects) == []
    assert session.waiting == 0


def test_an_answer_in_the_pause_is_shown_to_those_who_want_partials() -> None:
    session = core(partials=True)
    (partial,) = asked(hear(session, SPEECH * 30))
    (request,) = asked(hear(session, PAUSE))
    (shown,) = session.take(request, said(request), NOW)
    assert isinstance(shown, Show)
    assert isinstance(shown.message, Transcript)
    assert (shown.message.data.is_final, shown.message.data.utterance.text) == (False, " yes")
    assert session.take(partial, said(partial, " y"), NOW) == []


def test_the_language_is_waited_for() -> None:
    session = core(languages=LanguageRules(("en", "fr")))
    assert asked(hear(session, SPEECH * 70 + PAUSE)) == []
    (question,) = asked(hear(session, LAST))
    (request,) = asked(session.take(question, Hypothesis("", (), "fr", 0.9), NOW))
    assert not request.foreseen
    session.take(request, said(request), NOW)
    assert foreseen(session).language == "fr"


def test_where_each_utterance_has_its_language_nothing_is_foreseen() -> None:
    session = core(languages=LanguageRules(("en", "fr"), switching=True))
    assert asked(hear(session, SPEECH * 70 + PAUSE)) == []


def test_a_checkpoint_knows_of_no_foreseen_final() -> None:
    session = core()
    request = foreseen(session)
    session.take(request, said(request), NOW)
    rules = EndpointingRules.from_settings(
        endpointing=0.15, maximum_duration=5, speech_threshold=0.6
    )
    config = CoreConfig("s", 1, rules, partials=False, context=15 * SAMPLE_RATE)
    again = Core(config, session.state)
    assert again.resume() == []
    effects = hear(again, LAST)
    assert asked(effects) == [msgspec.structs.replace(request, foreseen=False)]
    assert [type(message) for message in told(effects)] == [SpeechEnd]


def test_a_core_may_foresee_nothing() -> None:
    effects = hear(core(foresee=False), SPEECH * 30 + PAUSE)
    assert asked(effects) == []
    assert [type(message) for message in told(effects)] == [SpeechStart]
