"""One channel of a live session: its utterances, from speech probabilities to finals in order."""

from collections.abc import Iterator, Sequence

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis
from vivavoce.session.effects import Decode
from vivavoce.speech.endpointing import Endpointer, EndpointingState, Phase
from vivavoce.speech.events import SpeechEvent, SpeechStarted, UtteranceEnded
from vivavoce.speech.rules import PRE_ROLL_SAMPLES, EndpointingRules

PARTIAL_INTERVAL = SAMPLE_RATE * 3 // 10
"""New audio between two partials; the scheduler thins them out further under load."""


class OpenUtterance(msgspec.Struct, frozen=True):
    """Speech that goes on: its number, first sample, and where speech itself began."""

    number: int
    start: int
    speech_start: int


class EndedUtterance(msgspec.Struct, frozen=True):
    """Speech that has ended and whose final is not out yet; ``[start, end)`` is its audio."""

    number: int
    start: int
    end: int
    speech_start: int


class ChannelState(msgspec.Struct, frozen=True):
    """All that a channel must remember; part of the checkpoint."""

    endpointer: EndpointingState
    next_number: int = 0
    open: OpenUtterance | None = None
    ended: tuple[EndedUtterance, ...] = ()


class Channel:
    """Follows one channel.

    ``ended`` utterances leave in their order, whatever the order of the answers: a final waits
    for the finals before it.
    """

    def __init__(self, index: int, rules: EndpointingRules, state: ChannelState | None) -> None:
        self.index = index
        self._endpointer = Endpointer(rules, state.endpointer if state else None)
        self._next_number = state.next_number if state else 0
        self.open = state.open if state else None
        self._ended: list[EndedUtterance] = list(state.ended) if state else []
        self._answers: dict[int, Hypothesis | None] = {}
        self._partial_asked_at = 0
        self._partial_shown_to = 0

    @property
    def state(self) -> ChannelState:
        """What must be remembered (answers that wait for their turn are asked for again)."""
        return ChannelState(
            self._endpointer.state, self._next_number, self.open, tuple(self._ended)
        )

    @property
    def waiting(self) -> Sequence[EndedUtterance]:
        """Utterances whose finals are not out yet."""
        return self._ended

    @property
    def keep_from(self) -> int:
        """The first sample that may still be decoded."""
        listening = self._endpointer.state
        since = listening.onset if listening.phase is Phase.ONSET else listening.position
        starts = [utterance.start for utterance in self._ended]
        starts.append(self.open.start if self.open else since - PRE_ROLL_SAMPLES)
        return max(min(starts), 0)

    def hear(self, probabilities: Sequence[float]) -> Iterator[SpeechEvent]:
        """Advance by whole windows; the events must be consumed."""
        for probability in probabilities:
            for event in self._endpointer.hear(probability):
                self._note(event)
                yield event

    def stop(self, position: int) -> Iterator[SpeechEvent]:
        """The channel's audio ends at ``position``."""
        for event in self._endpointer.stop(position):
            self._note(event)
            yield event

    def _note(self, event: SpeechEvent) -> None:
        match event:
            case SpeechStarted():
                self.open = OpenUtterance(self._next_number, event.start, event.at)
                self._next_number += 1
                self._partial_asked_at = event.start
                self._partial_shown_to = event.start
            case UtteranceEnded():
                begun = self.open
                if begun is None:
                    raise AssertionError("an utterance ended that had not begun")
                self._ended.append(
                    EndedUtterance(begun.number, event.start, event.end, begun.speech_start)
                )
                self.open = None
            case _:
                pass

    def final_request(self) -> Decode:
        """The request for the utterance that ended last."""
        return self.request_of(self._ended[-1])

    def request_of(self, ended: EndedUtterance) -> Decode:
        """The request for an utterance's final."""
        return Decode(self.index, ended.number, ended.start, ended.end, ended.speech_start, "final")

    def partial_request(self, heard: int) -> Decode | None:
        """A request for a partial up to ``heard``, if enough was said since the last one."""
        if self.open is None or self._endpointer.state.phase is not Phase.SPEAKING:
            return None
        if heard - self._partial_asked_at < PARTIAL_INTERVAL:
            return None
        begun = self.open
        refresh = self._partial_asked_at > begun.start
        self._partial_asked_at = heard
        return Decode(
            self.index, begun.number, begun.start, heard, begun.speech_start, "partial", refresh
        )

    def shows(self, request: Decode) -> bool:
        """Whether a partial is still news: its utterance goes on and no later one was shown."""
        if self.open is None or self.open.number != request.utterance:
            return False
        if request.end <= self._partial_shown_to:
            return False
        self._partial_shown_to = request.end
        return True

    def answer(
        self, request: Decode, hypothesis: Hypothesis | None
    ) -> Iterator[tuple[EndedUtterance, Hypothesis | None]]:
        """Take a final's hypothesis (None: it failed); gives every utterance whose turn it is."""
        self._answers[request.utterance] = hypothesis
        while self._ended and self._ended[0].number in self._answers:
            ended = self._ended.pop(0)
            yield ended, self._answers.pop(ended.number)
