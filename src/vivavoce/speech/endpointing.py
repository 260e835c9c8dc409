"""Endpointing: speech probabilities to utterances that begin, pause, resume and end.

A transition table defines the effect of each 32 ms window in each phase. The session's rules, a
channel's state and the returned events are plain values. Positions are samples at 16 kHz from
session start.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from vivavoce.speech.events import (
    CutReason,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    UtteranceEnded,
)
from vivavoce.speech.rules import (
    CONFIRM_WINDOWS,
    CUT_SEARCH_WINDOWS,
    PRE_ROLL_SAMPLES,
    WINDOW_SAMPLES,
    EndpointingRules,
)


class Phase(StrEnum):
    """Phase of a channel."""

    QUIET = "quiet"  # no speech
    ONSET = "onset"  # speech, too short yet to be sure
    SPEAKING = "speaking"
    PAUSED = "paused"  # silence, too short yet to end the utterance


class EndpointingState(msgspec.Struct, frozen=True):
    """Complete endpointing state of one channel.

    Attributes:
        phase: phase of the channel.
        position: samples processed.
        free_from: end of the previous utterance; the next cannot begin before.
        onset: start of the current speech.
        start: start of the current utterance's audio.
        speech_end: end of the last window of speech.
        recent: probabilities of the current speech's last windows, oldest first.
    """

    phase: Phase = Phase.QUIET
    position: int = 0
    free_from: int = 0
    onset: int = 0
    start: int = 0
    speech_end: int = 0
    recent: tuple[float, ...] = ()


class Heard(StrEnum):
    """Inputs of the state machine: the kind of a window, a limit, a break, or the end of audio."""

    SPEECH = "speech"
    SILENCE = "silence"
    LIMIT = "limit"  # the current speech has reached the maximum duration
    BREAK = "break"  # the speech so far is complete, regardless of what follows
    END = "end"  # no more audio


class Endpointer:
    """Finds the utterances of one channel.

    Attributes:
        rules: the session's endpointing rules.
        state: the complete state; restored from a checkpoint, it continues exactly from there.
    """

    def __init__(self, rules: EndpointingRules, state: EndpointingState | None = None) -> None:
        self.rules = rules
        self.state = state or EndpointingState()

    @property
    def silence_left(self) -> int:
        """Samples of silence still missing before a pause ends the utterance."""
        silence = self.state.position - self.state.speech_end
        return self.rules.silence_windows * WINDOW_SAMPLES - silence

    def pass_over(self, probabilities: Sequence[float]) -> bool:
        """Skip windows of silence outside speech at once; otherwise do nothing and return False."""
        state = self.state
        if state.phase is not Phase.QUIET or max(probabilities, default=0.0) >= self.rules.onset:
            return False
        self.state = replace(
            state,
            position=state.position + len(probabilities) * WINDOW_SAMPLES,
            recent=(*state.recent, *probabilities)[-CUT_SEARCH_WINDOWS:],
        )
        return True

    def hear(self, probability: float) -> list[SpeechEvent]:
        """Process the next window's probability and return the resulting events."""
        state = self.state
        threshold = self.rules.offset if state.phase in _GOING_ON else self.rules.onset
        heard = Heard.SPEECH if probability >= threshold else Heard.SILENCE
        self.state = replace(
            state,
            position=state.position + WINDOW_SAMPLES,
            recent=(*state.recent, probability)[-CUT_SEARCH_WINDOWS:],
        )
        events = self._step(heard)
        if self.state.position - self.state.onset >= self.rules.maximum_samples:
            events += self._step(Heard.LIMIT)
        return events

    def interrupt(self, position: int) -> list[SpeechEvent]:
        """End an open utterance at ``position``, as a long enough pause would; audio continues.

        Args:
            position: samples of the whole channel so far, including those after the last whole
                window, which belong to the utterance that ends.
        """
        windows = self.state.position
        self.state = replace(self.state, position=position)
        events = self._step(Heard.BREAK)
        self.state = replace(self.state, position=windows)
        return events

    def stop(self, position: int) -> list[SpeechEvent]:
        """End an open utterance at ``position``, the end of the channel's audio.

        Args:
            position: samples of the whole channel, including those after the last whole window.
        """
        self.state = replace(self.state, position=position)
        return self._step(Heard.END)

    def _step(self, heard: Heard) -> list[SpeechEvent]:
        self.state, events = TRANSITIONS[self.state.phase, heard](self.rules, self.state)
        return events


Outcome = tuple[EndpointingState, list[SpeechEvent]]
Transition = Callable[[EndpointingRules, EndpointingState], Outcome]


def _stay(_: EndpointingRules, state: EndpointingState) -> Outcome:
    return state, []


def _begin(_: EndpointingRules, state: EndpointingState) -> Outcome:
    onset = state.position - WINDOW_SAMPLES
    return replace(state, phase=Phase.ONSET, onset=onset), []


def _gather(_: EndpointingRules, state: EndpointingState) -> Outcome:
    if state.position - state.onset < CONFIRM_WINDOWS * WINDOW_SAMPLES:
        return state, []
    start = max(state.onset - PRE_ROLL_SAMPLES, state.free_from)
    speaking = replace(state, phase=Phase.SPEAKING, start=start, speech_end=state.position)
    return speaking, [SpeechStarted(at=state.onset, start=start)]


def _forget(_: EndpointingRules, state: EndpointingState) -> Outcome:
    return replace(state, phase=Phase.QUIET), []


def _go_on(_: EndpointingRules, state: EndpointingState) -> Outcome:
    return replace(state, speech_end=state.position), []


def _pause(rules: EndpointingRules, state: EndpointingState) -> Outcome:
    return _wait(rules, replace(state, phase=Phase.PAUSED))


def _wait(rules: EndpointingRules, state: EndpointingState) -> Outcome:
    """Predict the end once its audio is complete; end the utterance after a long enough pause."""
    silence = _windows_of_silence(state)
    foretold = [_foretell(rules, state)] if silence == rules.tail_windows else []
    if silence < rules.silence_windows:
        return state, foretold
    after, ended = _end(state, _end_of_audio(rules, state), "silence")
    return after, [*foretold, *ended]


def _resume(rules: EndpointingRules, state: EndpointingState) -> Outcome:
    speaking = replace(state, phase=Phase.SPEAKING, speech_end=state.position)
    if _windows_of_silence(state) <= rules.tail_windows:  # the last window is speech
        return speaking, []  # the pause was too short for a prediction
    return speaking, [SpeechResumed(at=state.position - WINDOW_SAMPLES)]


def _end_at_limit(rules: EndpointingRules, state: EndpointingState) -> Outcome:
    after, ended = _end(state, _end_of_audio(rules, state), "silence")
    if _windows_of_silence(state) >= rules.tail_windows:
        return after, ended
    return after, [_foretell(rules, state), *ended]


def _break_speaking(_: EndpointingRules, state: EndpointingState) -> Outcome:
    return _end(state, state.position, "break")


def _break_paused(rules: EndpointingRules, state: EndpointingState) -> Outcome:
    return _end(state, _end_of_audio(rules, state), "break")


def _stop_speaking(_: EndpointingRules, state: EndpointingState) -> Outcome:
    return _end(state, state.position, "stop")


def _stop_paused(rules: EndpointingRules, state: EndpointingState) -> Outcome:
    return _end(state, _end_of_audio(rules, state), "stop")


def _windows_of_silence(state: EndpointingState) -> int:
    return (state.position - state.speech_end) // WINDOW_SAMPLES


def _foretell(rules: EndpointingRules, state: EndpointingState) -> SpeechEvent:
    return SpeechPaused(at=state.speech_end, end=_end_of_audio(rules, state))


def _end_of_audio(rules: EndpointingRules, state: EndpointingState) -> int:
    """Return the end of the audio of an utterance that ends in this pause, all processed."""
    return min(state.speech_end + rules.tail_windows * WINDOW_SAMPLES, state.position)


def _cut(_: EndpointingRules, state: EndpointingState) -> Outcome:
    """Divide running speech at its least speech-like window; the rest begins a new utterance."""
    cut = _best_cut(state)
    ended = UtteranceEnded(start=state.start, end=cut, speech_end=cut, reason="maximum")
    rest = replace(state, free_from=cut, onset=cut, start=cut)
    return rest, [ended, SpeechStarted(at=cut, start=cut)]


def _best_cut(state: EndpointingState) -> int:
    """Return the middle of the latest least speech-like window that has speech after it."""
    windows = len(state.recent)
    candidates = range(windows - CONFIRM_WINDOWS)
    best = min(candidates, key=lambda index: (state.recent[index], -index))
    return state.position - (windows - best) * WINDOW_SAMPLES + WINDOW_SAMPLES // 2


def _end(state: EndpointingState, end: int, reason: CutReason) -> Outcome:
    ended = UtteranceEnded(state.start, end, state.speech_end, reason)
    return replace(state, phase=Phase.QUIET, free_from=end), [ended]


_GOING_ON: Final = frozenset({Phase.ONSET, Phase.SPEAKING})
"""Phases in which the lower threshold applies."""

TRANSITIONS: Final[Mapping[tuple[Phase, Heard], Transition]] = {
    (Phase.QUIET, Heard.SPEECH): _begin,
    (Phase.QUIET, Heard.SILENCE): _stay,
    (Phase.QUIET, Heard.LIMIT): _stay,
    (Phase.QUIET, Heard.BREAK): _stay,
    (Phase.QUIET, Heard.END): _stay,
    (Phase.ONSET, Heard.SPEECH): _gather,
    (Phase.ONSET, Heard.SILENCE): _forget,
    (Phase.ONSET, Heard.LIMIT): _stay,
    (Phase.ONSET, Heard.BREAK): _forget,
    (Phase.ONSET, Heard.END): _forget,
    (Phase.SPEAKING, Heard.SPEECH): _go_on,
    (Phase.SPEAKING, Heard.SILENCE): _pause,
    (Phase.SPEAKING, Heard.LIMIT): _cut,
    (Phase.SPEAKING, Heard.BREAK): _break_speaking,
    (Phase.SPEAKING, Heard.END): _stop_speaking,
    (Phase.PAUSED, Heard.SPEECH): _resume,
    (Phase.PAUSED, Heard.SILENCE): _wait,
    (Phase.PAUSED, Heard.LIMIT): _end_at_limit,
    (Phase.PAUSED, Heard.BREAK): _break_paused,
    (Phase.PAUSED, Heard.END): _stop_paused,
}
