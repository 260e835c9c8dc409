"""The live session without audio, engine or clock: probabilities and scripted hypotheses."""

import itertools
from collections.abc import Iterable, Sequence

import msgspec
import pytest

from vivavoce.protocol.messages import ErrorMessage, SpeechEnd, SpeechStart, Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.core import Core, CoreConfig, CoreState
from vivavoce.session.effects import Decode, Effect, Show, Tell
from vivavoce.speech.rules import PRE_ROLL_SAMPLES, WINDOW_SAMPLES, EndpointingRules

NOW = 1_700_000_000.0
SPEECH, SILENCE = 0.99, 0.0


def config(*, channels: int = 1, partials: bool = False, maximum: float = 5) -> CoreConfig:
    rules = EndpointingRules.from_settings(
        endpointing=0.05, maximum_duration=maximum, speech_threshold=0.6
    )
    return CoreConfig("s", channels, rules, partials=partials)


def windows(*spans: tuple[float, int]) -> list[float]:
    """Probabilities: ``(probability, how many windows)`` one after the other."""
    return [probability for probability, count in spans for _ in range(count)]


def said(request: Decode, text: str = " yes") -> Hypothesis:
    word = SpokenWord(text, 0, request.end - request.start, 0.9)
    return Hypothesis(text, (word,), "en", 0.9)


def decodes(effects: Iterable[Effect]) -> list[Decode]:
    return [effect for effect in effects if isinstance(effect, Decode)]


def told(effects: Iterable[Effect]) -> list[object]:
    return [effect.message for effect in effects if isinstance(effect, Tell)]


def finals(effects: Iterable[Effect]) -> list[Transcript]:
    return [message for message in told(effects) if isinstance(message, Transcript)]


def hear(core: Core, probabilities: Sequence[float]) -> list[Effect]:
    return core.hear([probabilities], NOW)


def test_an_utterance_is_announced_ended_and_decoded() -> None:
    core = Core(config())
    effects = hear(core, windows((SILENCE, 20), (SPEECH, 30), (SILENCE, 10)))
    start, end = told(effects)
    assert isinstance(start, SpeechStart)
    assert isinstance(end, SpeechEnd)
    assert (start.data.time, end.data.time) == (0.64, 1.6)
    (request,) = decodes(effects)
    assert request.purpose == "final"
    assert request.start == 20 * WINDOW_SAMPLES - PRE_ROLL_SAMPLES
    assert request.end == 51 * WINDOW_SAMPLES
    (final,) = finals(core.take(request, said(request), NOW))
    assert final.data.id == "00_00000000"
    assert final.data.utterance.start == request.start / SAMPLE_RATE
    assert final.data.utterance.end == request.end / SAMPLE_RATE


def test_finals_leave_in_the_order_of_speech_whatever_the_order_of_the_answers() -> None:
    core = Core(config())
    effects = hear(core, windows((SPEECH, 30), (SILENCE, 10), (SPEECH, 30), (SILENCE, 10)))
    first, second = decodes(effects)
    assert finals(core.take(second, said(second, " two"), NOW)) == []
    both = finals(core.take(first, said(first, " one"), NOW))
    assert [final.data.utterance.text for final in both] == [" one", " two"]
    assert [final.data.id for final in both] == ["00_00000000", "00_00000001"]
    assert core.waiting == 0


def test_what_follows_a_told_end_of_a_sentence_begins_with_a_capital() -> None:
    core = Core(config())
    requests = decodes(hear(core, windows(*[(SPEECH, 30), (SILENCE, 10)] * 4)))
    heard = [(" one.", 0.99), (" two.", 0.5), (" three", None), (" four.", 0.5)]
    texts: list[str] = []
    for request, (text, closing) in zip(requests, heard, strict=True):
        core = Core(config(), _copied(core.state))
        core.resume()
        answer = msgspec.structs.replace(said(request, text), closing=closing)
        texts += [final.data.utterance.text for final in finals(core.take(request, answer, NOW))]
    assert texts == [" one.", " Two", " three", " four"]


def test_speech_that_the_end_of_audio_cuts_off_ends_its_sentence() -> None:
    core = Core(config())
    hear(core, windows((SPEECH, 30)))
    (request,) = decodes(core.stop(30 * WINDOW_SAMPLES, NOW))
    answer = msgspec.structs.replace(said(request, " bye."), closing=0.5)
    (final,) = finals(core.take(request, answer, NOW))
    assert final.data.utterance.text == " bye."


def test_a_failed_utterance_is_reported_and_the_next_one_is_not_held_up() -> None:
    core = Core(config())
    first, second = decodes(
        hear(core, windows((SPEECH, 30), (SILENCE, 10), (SPEECH, 30), (SILENCE, 10)))
    )
    (failure,) = told(core.take(first, None, NOW))
    assert isinstance(failure, ErrorMessage)
    assert "00_00000000" in failure.error.message
    assert len(finals(core.take(second, said(second), NOW))) == 1


def test_an_utterance_without_words_leaves_no_transcript() -> None:
    core = Core(config())
    (request,) = decodes(hear(core, windows((SPEECH, 30), (SILENCE, 10))))
    assert core.take(request, Hypothesis("", (), "en", 0.0), NOW) == []
    assert core.waiting == 0


EMPTY = Hypothesis("", (), "en", 0.0)


def seen(core: Core) -> Decode:
    """Have a partial of the first utterance shown; gives the request for its final."""
    (partial, *_) = decodes(hear(core, windows((SPEECH, 30))))
    assert [type(effect) for effect in core.take(partial, said(partial), NOW)] == [Show]
    effects = hear(core, windows((SILENCE, 10)))
    (final,) = [request for request in decodes(effects) if request.purpose == "final"]
    return final


def test_an_utterance_that_was_shown_and_has_no_words_is_named_in_an_error() -> None:
    core = Core(config(partials=True))
    (error,) = told(core.take(seen(core), EMPTY, NOW))
    assert isinstance(error, ErrorMessage)
    assert "00_00000000" in error.data.message
    assert error.data.code == "partials_withdrawn"
    assert error.error.message == error.data.message
    assert core.waiting == 0


def test_a_text_that_the_voice_does_not_confirm_is_no_final() -> None:
    core = Core(config())
    # A blip: voice activity was never sure of it.
    (request,) = decodes(hear(core, windows((0.55, 4), (SILENCE, 10))))
    assert told(core.take(request, said(request, " You"), NOW)) == []
    assert core.waiting == 0


def test_what_may_have_been_shown_before_a_restart_is_named_in_an_error() -> None:
    core = Core(config(partials=True))
    seen(core)
    restored = Core(config(partials=True), _copied(core.state))
    (request,) = restored.resume()
    (error,) = told(restored.take(request, EMPTY, NOW))
    assert isinstance(error, ErrorMessage)
    assert "00_00000000" in error.data.message


def test_what_a_cut_carries_over_a_restart_is_named_in_an_error() -> None:
    core = Core(config(partials=True, maximum=5))
    hear(core, windows((SPEECH, 30)))
    restored = Core(config(partials=True, maximum=5), _copied(core.state))
    effects = hear(restored, windows((SPEECH, 150), (SILENCE, 10)))
    asked = [request for request in decodes(effects) if request.purpose == "final"]
    errors = [
        message.data.message
        for request in asked
        for message in told(restored.take(request, EMPTY, NOW))
        if isinstance(message, ErrorMessage)
    ]
    assert ["00_00000000" in errors[0], "00_00000001" in errors[1]] == [True, True]


def test_long_speech_is_cut_without_speech_events_in_between() -> None:
    core = Core(config(maximum=5))
    effects = hear(core, windows((SPEECH, 400), (SILENCE, 10)))
    kinds = [type(message) for message in told(effects)]
    assert kinds == [SpeechStart, SpeechEnd]
    requests = decodes(effects)
    assert len(requests) == 3
    assert [request.utterance for request in requests] == [0, 1, 2]
    for earlier, later in itertools.pairwise(requests):
        assert later.start == earlier.end


def test_channels_are_heard_apart() -> None:
    core = Core(config(channels=2))
    effects = core.hear(
        [windows((SPEECH, 30), (SILENCE, 30)), windows((SILENCE, 20), (SPEECH, 20), (SILENCE, 20))],
        NOW,
    )
    requests = decodes(effects)
    assert [request.channel for request in requests] == [0, 1]
    texts = [
        final.data
        for request in requests
        for final in finals(core.take(request, said(request), NOW))
    ]
    assert [(data.id, data.utterance.channel) for data in texts] == [
        ("00_00000000", 0),
        ("01_00000000", 1),
    ]


def test_partials_are_asked_for_as_speech_grows_and_only_if_wanted() -> None:
    assert decodes(hear(Core(config()), windows((SPEECH, 100)))) == []
    core = Core(config(partials=True))
    asked: list[Decode] = []
    for _ in range(50):
        asked += decodes(hear(core, [SPEECH, SPEECH]))
    assert [request.purpose for request in asked] == ["partial"] * len(asked)
    assert not asked[0].refresh
    assert all(request.refresh for request in asked[1:])
    steps = [later.end - earlier.end for earlier, later in itertools.pairwise(asked)]
    assert all(0.3 <= step / SAMPLE_RATE < 0.4 for step in steps)


def test_a_late_partial_is_not_shown() -> None:
    core = Core(config(partials=True))
    older, newer = (decodes(hear(core, windows((SPEECH, 15))))[-1] for _ in range(2))
    assert [type(effect) for effect in core.take(newer, said(newer), NOW)] == [Show]
    assert core.take(older, said(older), NOW) == []
    hear(core, windows((SILENCE, 10)))
    assert core.take(newer, said(newer), NOW) == []


@pytest.mark.parametrize(("answered", "told"), [(False, [Show, Tell]), (True, [Tell])])
def test_an_utterance_of_which_nothing_was_shown_has_a_partial_before_its_final(
    answered: bool,  # noqa: FBT001 - a parameter of the test
    told: list[type],
) -> None:
    core = Core(config(partials=True))
    partial = decodes(hear(core, windows((SPEECH, 30))))[-1]
    if answered:
        assert [type(effect) for effect in core.take(partial, said(partial), NOW)] == [Show]
    (final,) = decodes(hear(core, windows((SILENCE, 10))))
    assert [type(effect) for effect in core.take(final, said(final), NOW)] == told


def test_the_end_of_audio_closes_speech_that_goes_on() -> None:
    core = Core(config())
    hear(core, windows((SPEECH, 30)))
    effects = core.stop(30 * WINDOW_SAMPLES + 100, NOW)
    (request,) = decodes(effects)
    assert request.end == 30 * WINDOW_SAMPLES + 100
    assert not core.finished
    core.take(request, said(request), NOW)
    assert core.finished


def test_a_session_restored_at_any_point_gives_the_same_finals() -> None:
    script = windows(
        (SILENCE, 9), (SPEECH, 200), (SILENCE, 5), (SPEECH, 30), (SILENCE, 4), (SPEECH, 3)
    )
    undisturbed = _run(Core(config()), script, None)
    for cut in range(len(script)):
        assert _run(Core(config()), script, cut) == undisturbed


def _run(core: Core, script: Sequence[float], cut: int | None) -> list[tuple[str, float, float]]:
    """Finals of a run that is restored from its state after ``cut`` windows."""
    found: list[tuple[str, float, float]] = []
    requests: list[Decode] = []
    for index, probability in enumerate(script):
        if index == cut:
            core = Core(config(), _copied(core.state))
            requests = decodes(core.resume())
        requests += decodes(hear(core, [probability]))
        if index % 7 == 0:
            found += _answer(core, requests)
    requests += decodes(core.stop(len(script) * WINDOW_SAMPLES, NOW))
    return found + _answer(core, requests)


def _answer(core: Core, requests: list[Decode]) -> list[tuple[str, float, float]]:
    answered = [
        (final.data.id, final.data.utterance.start, final.data.utterance.end)
        for request in requests
        for final in finals(core.take(request, said(request), NOW))
    ]
    requests.clear()
    return answered


def _copied(state: CoreState) -> CoreState:
    """The state as it comes out of a journal."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=CoreState)


def test_partials_say_which_words_are_stable_only_where_that_is_asked_for() -> None:
    marks = []
    for stability in (False, True):
        core = Core(msgspec.structs.replace(config(partials=True), stability=stability))
        for _ in range(2):
            (request,) = decodes(hear(core, windows((SPEECH, 40))))
            words = tuple(
                SpokenWord(f" {word}", at * 4_000, (at + 1) * 4_000, 0.95)
                for at, word in enumerate(("one", "two", "three"))
            )
            answer = Hypothesis(" one two three", words, "en", 0.9)
            for effect in core.take(request, answer, NOW):
                assert isinstance(effect, Show)
                marks.append(msgspec.json.encode(effect.message).count(b'"stable_words":'))
    assert marks == [0, 1, 1]
