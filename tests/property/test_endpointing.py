"""What holds for the utterances of any channel, whatever the model says."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.speech.endpointing import Endpointer, EndpointingState
from vivavoce.speech.events import (
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    UtteranceEnded,
)
from vivavoce.speech.rules import PRE_ROLL_SAMPLES, WINDOW_SAMPLES, EndpointingRules

PROBABILITIES = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.05, 0.2, 0.29, 0.3, 0.35, 0.49, 0.5, 0.9, 1.0]),
        st.integers(1, 120),
    ),
    max_size=12,
).map(lambda runs: [value for value, length in runs for _ in range(length)])

RULES = st.builds(
    EndpointingRules.from_settings,
    endpointing=st.sampled_from([0.01, 0.05, 0.3, 1.0, 10.0]),
    maximum_duration=st.sampled_from([5.0, 6.1, 60.0]),
    speech_threshold=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
)
REST = st.integers(0, WINDOW_SAMPLES - 1)


def listen(
    rules: EndpointingRules, probabilities: list[float], rest: int
) -> list[list[SpeechEvent]]:
    endpointer = Endpointer(rules)
    heard = [endpointer.hear(probability) for probability in probabilities]
    return [*heard, endpointer.stop(len(probabilities) * WINDOW_SAMPLES + rest)]


def flat(events: list[list[SpeechEvent]]) -> list[SpeechEvent]:
    return [event for group in events for event in group]


@given(rules=RULES, probabilities=PROBABILITIES, rest=REST)
def test_starts_and_ends_alternate_and_pauses_lie_between(
    rules: EndpointingRules, probabilities: list[float], rest: int
) -> None:
    follows: dict[type, set[type]] = {
        SpeechStarted: {SpeechPaused, UtteranceEnded},
        SpeechPaused: {SpeechResumed, UtteranceEnded},
        SpeechResumed: {SpeechPaused, UtteranceEnded},
        UtteranceEnded: {SpeechStarted},
    }
    kinds = [type(event) for event in flat(listen(rules, probabilities, rest))]
    assert all(after in follows[before] for before, after in pairwise(kinds))
    assert not kinds or (kinds[0] is SpeechStarted and kinds[-1] is UtteranceEnded)


@given(rules=RULES, probabilities=PROBABILITIES, rest=REST)
def test_utterances_never_overlap_and_stay_inside_the_audio(
    rules: EndpointingRules, probabilities: list[float], rest: int
) -> None:
    events = flat(listen(rules, probabilities, rest))
    ended = [event for event in events if isinstance(event, UtteranceEnded)]
    edges = [edge for event in ended for edge in (event.start, event.end)]
    assert edges == sorted(edges)
    assert all(event.start < event.speech_end <= event.end for event in ended)
    assert not edges or 0 <= edges[0] <= edges[-1] <= len(probabilities) * WINDOW_SAMPLES + rest


@given(rules=RULES, probabilities=PROBABILITIES, rest=REST)
def test_an_utterance_is_what_its_start_and_its_pause_foretold(
    rules: EndpointingRules, probabilities: list[float], rest: int
) -> None:
    start = end = None
    for event in flat(listen(rules, probabilities, rest)):
        match event:
            case SpeechStarted():
                assert 0 <= event.at - event.start <= PRE_ROLL_SAMPLES
                start, end = event.start, None
            case SpeechPaused():
                end = event.end
            case SpeechResumed():
                end = None
            case UtteranceEnded():
                assert event.start == start
                assert end in {None, event.end}
                assert (event.reason == "silence") <= (end is not None)


@given(rules=RULES, probabilities=PROBABILITIES, rest=REST)
def test_no_utterance_is_longer_than_the_maximum_and_a_cut_loses_nothing(
    rules: EndpointingRules, probabilities: list[float], rest: int
) -> None:
    onset = 0
    cut = None
    for event in flat(listen(rules, probabilities, rest)):
        match event:
            case SpeechStarted():
                assert cut in {None, event.start}
                onset, cut = event.at, None
            case UtteranceEnded():
                assert event.end - onset <= rules.maximum_samples + WINDOW_SAMPLES
                cut = event.end if event.reason == "maximum" else None
            case _:
                assert cut is None
    assert cut is None


@given(rules=RULES, probabilities=PROBABILITIES, rest=REST)
def test_a_cut_is_followed_by_its_rest_at_once(
    rules: EndpointingRules, probabilities: list[float], rest: int
) -> None:
    for events in listen(rules, probabilities, rest):
        for event, after in pairwise([*events, None]):
            if isinstance(event, UtteranceEnded) and event.reason == "maximum":
                assert after == SpeechStarted(at=event.end, start=event.end)


@given(rules=RULES, probabilities=PROBABILITIES, rest=REST, data=st.data())
def test_a_restored_state_gives_the_same_events(
    rules: EndpointingRules, probabilities: list[float], rest: int, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(probabilities)))
    first = Endpointer(rules)
    for probability in probabilities[:position]:
        first.hear(probability)
    saved = msgspec.json.encode(first.state)
    second = Endpointer(rules, msgspec.json.decode(saved, type=EndpointingState))
    events = [second.hear(probability) for probability in probabilities[position:]]
    events.append(second.stop(len(probabilities) * WINDOW_SAMPLES + rest))
    assert events == listen(rules, probabilities, rest)[position:]


@given(rules=RULES, probabilities=PROBABILITIES, cuts=st.lists(st.integers(1, 40), max_size=60))
def test_silence_passed_over_at_once_leaves_what_window_by_window_leaves(
    rules: EndpointingRules, probabilities: list[float], cuts: list[int]
) -> None:
    slow, fast = Endpointer(rules), Endpointer(rules)
    at = 0
    for size in [*cuts, len(probabilities)]:
        block = probabilities[at : at + size]
        at += size
        events = [event for probability in block for event in slow.hear(probability)]
        if fast.pass_over(block):
            assert events == []
        else:
            assert [event for probability in block for event in fast.hear(probability)] == events
        assert fast.state == slow.state
