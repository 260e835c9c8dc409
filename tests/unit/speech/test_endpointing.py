from itertools import product

import numpy as np
import pytest

from vivavoce.speech.endpointing import (
    TRANSITIONS,
    Endpointer,
    EndpointingState,
    Heard,
    Phase,
)
from vivavoce.speech.events import (
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    UtteranceEnded,
)
from vivavoce.speech.rules import PRE_ROLL_SAMPLES, WINDOW_SAMPLES, EndpointingRules
from vivavoce.speech.silero import VoiceActivity, VoiceState
from voices import babble, silence

W = WINDOW_SAMPLES
RULES = EndpointingRules(onset=0.5, offset=0.3, silence_windows=2, maximum_samples=80_000)
PATIENT = EndpointingRules(onset=0.5, offset=0.3, silence_windows=10, maximum_samples=80_000)


def hear(probabilities: list[float], rules: EndpointingRules = RULES) -> list[SpeechEvent]:
    endpointer = Endpointer(rules)
    return [event for value in probabilities for event in endpointer.hear(value)]


def test_silence_says_nothing() -> None:
    assert hear([0.0] * 100) == []


@pytest.mark.parametrize("length", [1, 2])
def test_a_blip_says_nothing(length: int) -> None:
    assert hear([0.0] * 20 + [0.9] * length + [0.0] * 20) == []


def test_speech_is_confirmed_after_three_windows_with_its_true_onset_and_pre_roll() -> None:
    assert hear([0.0] * 20 + [0.9] * 3) == [
        SpeechStarted(at=20 * W, start=20 * W - PRE_ROLL_SAMPLES)
    ]


def test_pre_roll_does_not_reach_before_the_session() -> None:
    assert hear([0.0] + [0.9] * 3) == [SpeechStarted(at=W, start=0)]


def test_pre_roll_does_not_reach_into_the_previous_utterance() -> None:
    events = hear([0.9] * 10 + [0.0] * 2 + [0.9] * 3)
    assert events[2:] == [
        UtteranceEnded(start=0, end=11 * W, speech_end=10 * W, reason="silence"),
        SpeechStarted(at=12 * W, start=11 * W),
    ]


def test_a_pause_is_told_at_once_and_ends_the_utterance_as_foretold() -> None:
    assert hear([0.9] * 10 + [0.0] * 2)[1:] == [
        SpeechPaused(at=10 * W, end=11 * W),
        UtteranceEnded(start=0, end=11 * W, speech_end=10 * W, reason="silence"),
    ]


def test_speech_that_goes_on_in_time_voids_the_pause() -> None:
    events = hear([0.9] * 10 + [0.0] * 9 + [0.9] * 2 + [0.0] * 10, PATIENT)
    assert events[1:] == [
        SpeechPaused(at=10 * W, end=12 * W),
        SpeechResumed(at=19 * W),
        SpeechPaused(at=21 * W, end=23 * W),
        UtteranceEnded(start=0, end=23 * W, speech_end=21 * W, reason="silence"),
    ]


def test_a_pause_too_short_for_the_tail_is_not_told() -> None:
    assert hear([0.9] * 10 + [0.0] + [0.9] * 2, PATIENT)[1:] == []
    assert hear([0.9] * 10 + [0.0] * 2 + [0.9] * 2, PATIENT)[1:] == [
        SpeechPaused(at=10 * W, end=12 * W),
        SpeechResumed(at=12 * W),
    ]


@pytest.mark.parametrize(
    ("endpointing", "tail"), [(0.01, 1), (0.05, 1), (0.1, 2), (0.2, 2), (0.3, 2), (10, 2)]
)
def test_the_tail_is_at_most_half_of_the_silence_that_is_waited_for(
    endpointing: float, tail: int
) -> None:
    rules = EndpointingRules.from_settings(
        endpointing=endpointing, maximum_duration=60, speech_threshold=0.6
    )
    assert rules.tail_windows == tail
    endpointer = Endpointer(rules)
    for probability in [0.9] * 10 + [0.0] * (tail - 1):
        endpointer.hear(probability)
    told, *_ = endpointer.hear(0.0)
    assert told == SpeechPaused(at=10 * W, end=(10 + tail) * W)
    assert endpointer.state.position == (10 + tail) * W


def test_it_takes_more_to_begin_or_resume_than_to_go_on() -> None:
    assert hear([0.4] * 20) == []
    assert hear([0.6] + [0.4] * 20) == [SpeechStarted(at=0, start=0)]
    assert hear([0.6] * 3 + [0.2, 0.4, 0.4], PATIENT)[1:] == [SpeechPaused(at=3 * W, end=5 * W)]


def test_the_shortest_endpointing_ends_at_the_first_silent_window() -> None:
    rules = EndpointingRules(onset=0.5, offset=0.3, silence_windows=1, maximum_samples=80_000)
    assert hear([0.9] * 4 + [0.0], rules)[1:] == [
        SpeechPaused(at=4 * W, end=5 * W),
        UtteranceEnded(start=0, end=5 * W, speech_end=4 * W, reason="silence"),
    ]


def test_at_the_maximum_speech_is_cut_at_its_least_speech_like_window() -> None:
    probabilities = [0.9] * 157
    probabilities[130] = 0.35
    probabilities[60] = 0.31  # lower still, but longer than 3 s ago
    assert hear(probabilities)[1:] == [
        UtteranceEnded(start=0, end=130 * W + 256, speech_end=130 * W + 256, reason="maximum"),
        SpeechStarted(at=130 * W + 256, start=130 * W + 256),
    ]


def test_of_equal_places_to_cut_the_latest_is_taken_that_leaves_speech_behind() -> None:
    (_, ended, _) = hear([0.9] * 157)
    assert isinstance(ended, UtteranceEnded)
    assert ended.end == 153 * W + 256


def test_the_next_maximum_is_counted_from_the_cut() -> None:
    cuts = [event.end for event in hear([0.9] * 600) if isinstance(event, UtteranceEnded)]
    assert len(cuts) == 3
    assert all(80_000 - 5 * W < length <= 80_000 for length in np.diff([0, *cuts]))


def test_a_pause_at_the_maximum_ends_the_utterance_with_nothing_to_carry() -> None:
    rules = EndpointingRules(onset=0.5, offset=0.3, silence_windows=313, maximum_samples=80_000)
    assert hear([0.9] * 100 + [0.0] * 57, rules)[1:] == [
        SpeechPaused(at=100 * W, end=102 * W),
        UtteranceEnded(start=0, end=102 * W, speech_end=100 * W, reason="silence"),
    ]
    assert hear([0.9] * 156 + [0.0], rules)[1:] == [
        SpeechPaused(at=156 * W, end=157 * W),
        UtteranceEnded(start=0, end=157 * W, speech_end=156 * W, reason="silence"),
    ]


def test_stopping_while_speaking_keeps_the_audio_to_its_end() -> None:
    endpointer = Endpointer(RULES)
    for _ in range(10):
        endpointer.hear(0.9)
    assert endpointer.stop(10 * W + 100) == [
        UtteranceEnded(start=0, end=10 * W + 100, speech_end=10 * W, reason="stop")
    ]


@pytest.mark.parametrize(("silent", "end"), [(5, 12 * W), (1, 11 * W + 100)])
def test_stopping_in_a_pause_ends_where_the_pause_foretold_or_with_the_audio(
    silent: int, end: int
) -> None:
    endpointer = Endpointer(PATIENT)
    for probability in [0.9] * 10 + [0.0] * silent:
        endpointer.hear(probability)
    assert endpointer.stop((10 + silent) * W + 100) == [
        UtteranceEnded(start=0, end=end, speech_end=10 * W, reason="stop")
    ]


def test_an_interruption_ends_the_utterance_and_the_next_one_begins_behind_it() -> None:
    endpointer = Endpointer(PATIENT)
    for probability in [0.9] * 10:
        endpointer.hear(probability)
    assert endpointer.interrupt(10 * W + 100) == [
        UtteranceEnded(start=0, end=10 * W + 100, speech_end=10 * W, reason="break")
    ]
    events = [event for _ in range(3) for event in endpointer.hear(0.9)]
    assert events == [SpeechStarted(at=10 * W, start=10 * W + 100)]


@pytest.mark.parametrize("probabilities", [[], [0.0] * 10, [0.9] * 2])
def test_an_interruption_without_confirmed_speech_says_nothing(probabilities: list[float]) -> None:
    endpointer = Endpointer(RULES)
    for probability in probabilities:
        endpointer.hear(probability)
    before = endpointer.state.position
    assert endpointer.interrupt(before + 7) == []
    assert endpointer.state.position == before


@pytest.mark.parametrize("probabilities", [[], [0.0] * 10, [0.9] * 2])
def test_stopping_without_confirmed_speech_says_nothing(probabilities: list[float]) -> None:
    endpointer = Endpointer(RULES)
    for probability in probabilities:
        endpointer.hear(probability)
    assert endpointer.stop(10 * W + 7) == []


OUTCOMES: dict[tuple[Phase, Heard], tuple[Phase, list[type]]] = {
    (Phase.QUIET, Heard.SPEECH): (Phase.ONSET, []),
    (Phase.QUIET, Heard.SILENCE): (Phase.QUIET, []),
    (Phase.QUIET, Heard.LIMIT): (Phase.QUIET, []),
    (Phase.QUIET, Heard.BREAK): (Phase.QUIET, []),
    (Phase.QUIET, Heard.END): (Phase.QUIET, []),
    (Phase.ONSET, Heard.SPEECH): (Phase.SPEAKING, [SpeechStarted]),
    (Phase.ONSET, Heard.SILENCE): (Phase.QUIET, []),
    (Phase.ONSET, Heard.LIMIT): (Phase.ONSET, []),
    (Phase.ONSET, Heard.BREAK): (Phase.QUIET, []),
    (Phase.ONSET, Heard.END): (Phase.QUIET, []),
    (Phase.SPEAKING, Heard.SPEECH): (Phase.SPEAKING, []),
    (Phase.SPEAKING, Heard.SILENCE): (Phase.PAUSED, [SpeechPaused]),
    (Phase.SPEAKING, Heard.LIMIT): (Phase.SPEAKING, [UtteranceEnded, SpeechStarted]),
    (Phase.SPEAKING, Heard.BREAK): (Phase.QUIET, [UtteranceEnded]),
    (Phase.SPEAKING, Heard.END): (Phase.QUIET, [UtteranceEnded]),
    (Phase.PAUSED, Heard.SPEECH): (Phase.SPEAKING, [SpeechResumed]),
    (Phase.PAUSED, Heard.SILENCE): (Phase.QUIET, [UtteranceEnded]),
    (Phase.PAUSED, Heard.LIMIT): (Phase.QUIET, [UtteranceEnded]),
    (Phase.PAUSED, Heard.BREAK): (Phase.QUIET, [UtteranceEnded]),
    (Phase.PAUSED, Heard.END): (Phase.QUIET, [UtteranceEnded]),
}


@pytest.mark.parametrize(("phase", "heard"), list(product(Phase, Heard)))
def test_every_phase_answers_everything_it_may_hear(phase: Phase, heard: Heard) -> None:
    begun = 60 * W
    spoken_until = {Phase.QUIET: begun, Phase.ONSET: begun + 3 * W, Phase.SPEAKING: 100 * W}
    position = spoken_until.get(phase, 101 * W + W * (heard in {Heard.SPEECH, Heard.SILENCE}))
    state = EndpointingState(
        phase=phase,
        position=position,
        onset=begun,
        start=begun,
        speech_end=min(position, 100 * W) - W * (phase is Phase.SPEAKING),
        recent=(0.9,) * 47,
    )
    after, events = TRANSITIONS[phase, heard](RULES, state)
    assert (after.phase, [type(event) for event in events]) == OUTCOMES[phase, heard]


def test_a_voice_between_silences_is_one_utterance_at_its_place(
    voice_activity: VoiceActivity,
) -> None:
    signal = np.concatenate([silence(1.0), babble(1.5), silence(1.0)])
    probabilities, _ = voice_activity.probabilities(VoiceState(), signal)
    started, paused, ended = hear([float(value) for value in probabilities])
    assert isinstance(started, SpeechStarted)
    assert isinstance(paused, SpeechPaused)
    assert isinstance(ended, UtteranceEnded)
    assert abs(started.at - 16_000) <= 2 * W
    assert abs(ended.speech_end - 40_000) <= 2 * W
    assert ended.end == paused.end
