"""The live session as a pure state machine: events in, effects out.

The core receives no audio, only the speech probability of each window and the hypotheses for the
spans it requested. Finals are a function of these; the time passed in only sets the timestamps of
messages.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from vivavoce.protocol.failures import failure
from vivavoce.protocol.messages import (
    ErrorDetail,
    ErrorMessage,
    SpeechEnd,
    SpeechMoment,
    SpeechStart,
    StartRecording,
    Transcript,
    TranscriptData,
)
from vivavoce.protocol.timestamps import iso
from vivavoce.protocol.transcript import Utterance, Word
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis
from vivavoce.session.channel import Channel, ChannelState
from vivavoce.session.effects import Ask, Confirm, Decode, Effect, Show, Tell
from vivavoce.session.language import (
    Guess,
    LanguageRules,
    LanguageState,
    begin,
    decide,
    settle,
)
from vivavoce.speech.events import SpeechEvent, SpeechStarted, UtteranceEnded
from vivavoce.speech.rules import WINDOW_SAMPLES, EndpointingRules

FAILED = "internal_error"
"""Code of the error message in place of a final that the engine failed to produce."""
WITHDRAWN = "partials_withdrawn"
"""Code of the error message in place of a final without text after partials with text."""


class CoreConfig(msgspec.Struct, frozen=True):
    """The parts of the session request that the core uses.

    ``context`` is the maximum number of samples of an utterance plus its context; 0 decodes every
    utterance alone. ``foresee`` requests a final as soon as its utterance may have ended, which
    changes only when finals arrive. ``stability`` makes partials report how many of their words
    are stable.
    """

    session_id: str
    channels: int
    endpointing: EndpointingRules
    partials: bool
    context: int = 0
    languages: LanguageRules = LanguageRules(("en",))
    foresee: bool = True
    stability: bool = False


class CoreState(msgspec.Struct, frozen=True):
    """The core's part of the checkpoint.

    Attributes:
        heard: number of windows processed.
        begun: whether audio has arrived.
        ended: whether the audio has ended.
        last_marker: number of the last applied break marker.
        language: the decisions about languages.
    """

    heard: int
    channels: tuple[ChannelState, ...]
    language: LanguageState
    begun: bool = False
    ended: bool = False
    last_marker: int = 0


def seconds(samples: int) -> float:
    """Convert samples at 16 kHz to the protocol's seconds, rounded to the millisecond."""
    return round(samples / SAMPLE_RATE, 3)


class Core:
    """One live session; ``now`` is Unix time in seconds."""

    def __init__(self, config: CoreConfig, state: CoreState | None = None) -> None:
        self._config = config
        self._heard = state.heard if state else 0
        self._begun = state.begun if state else False
        self._ended = state.ended if state else False
        self._last_marker = state.last_marker if state else 0
        rules = config.languages
        self._language = state.language if state else begin(rules, config.channels)
        states: Sequence[ChannelState | None] = (
            state.channels if state else [None] * config.channels
        )
        self._channels = [
            Channel(index, config.endpointing, kept, context=config.context)
            for index, kept in enumerate(states)
        ]

    @property
    def state(self) -> CoreState:
        """The state to checkpoint; a core resumed from it produces the same finals."""
        channels = tuple(channel.state for channel in self._channels)
        return CoreState(
            self._heard, channels, self._language, self._begun, self._ended, self._last_marker
        )

    @property
    def heard(self) -> int:
        """Samples processed so far, the same on every channel."""
        return self._heard * WINDOW_SAMPLES

    @property
    def last_marker(self) -> int:
        """Number of the last applied break marker."""
        return self._last_marker

    @property
    def waiting(self) -> int:
        """Number of ended utterances whose finals are not emitted yet."""
        return sum(len(channel.waiting) for channel in self._channels)

    @property
    def finished(self) -> bool:
        """Whether the audio has ended and every final is emitted."""
        return self._ended and not self.waiting

    @property
    def resting(self) -> bool:
        """Whether no speech or final is pending: silence would only advance positions."""
        return self._begun and all(channel.resting for channel in self._channels)

    @property
    def speaking(self) -> bool:
        """Whether an utterance is open on any channel."""
        return any(channel.open is not None for channel in self._channels)

    @property
    def settled(self) -> int:
        """Samples up to which nothing remains to be decoded on any channel."""
        return min(channel.settled for channel in self._channels)

    @property
    def kept_from(self) -> int:
        """The first sample of any channel that may still be requested."""
        return min(channel.keep_from for channel in self._channels)

    def keep_from(self, channel: int) -> int:
        """Return the first sample of a channel that may still be requested."""
        return self._channels[channel].keep_from

    def resume(self) -> list[Decode]:
        """Return the requests that were in progress, after a restart from a checkpoint."""
        return [effect for effect in self._requests() if isinstance(effect, Decode)]

    def begin(self, now: float) -> list[Effect]:
        """Record that audio has arrived; only the first call has effects."""
        if self._begun:
            return []
        self._begun = True
        return [Tell(StartRecording(session_id=self._config.session_id, created_at=iso(now)))]

    def hear(self, probabilities: Sequence[Sequence[float]], now: float) -> list[Effect]:
        """Process the speech probabilities of the next windows, equally many for each channel."""
        effects: list[Effect] = []
        for channel, heard in zip(self._channels, probabilities, strict=True):
            effects.extend(self._speech_effects(channel, channel.hear(heard), now))
        self._heard += len(probabilities[0])
        effects.extend(self._next(now))
        if self._config.partials:
            for channel in self._channels:
                effects.extend(self._partial_requests(channel))
        return effects

    def interrupt(
        self, marker: int, channel: int | None, position: int, now: float
    ) -> list[Effect]:
        """Apply a break marker: end the open utterance of a channel, or of every channel.

        Args:
            marker: its number; markers are applied in order, each once.
            channel: the only channel that it applies to; None for every channel.
            position: samples of every channel before it.
            now: Unix time in seconds.
        """
        self._last_marker = marker
        interrupted = self._channels if channel is None else self._channels[channel : channel + 1]
        effects = [
            effect
            for each in interrupted
            for effect in self._speech_effects(each, each.interrupt(position), now)
        ]
        return [*effects, *self._next(now)]

    def stop(self, position: int, now: float) -> list[Effect]:
        """End the audio of every channel at ``position`` samples."""
        self._ended = True
        effects = [
            effect
            for channel in self._channels
            for effect in self._speech_effects(channel, channel.stop(position), now)
        ]
        return [*effects, *self._next(now)]

    def take(self, request: Decode, hypothesis: Hypothesis | None, now: float) -> list[Effect]:
        """Process the answer to a request; None: it failed or was superseded."""
        channel = self._channels[request.channel]
        if request.purpose == "language":
            self._take_language(channel, request, hypothesis)
            return list(self._next(now))
        if request.foreseen and not channel.foreseen.settles(request, hypothesis):
            if not self._config.partials:
                return []
            request = msgspec.structs.replace(request, purpose="partial")
        if request.purpose == "partial":
            return list(self._partial(channel, request, hypothesis, now))
        return [*self._finals(channel, request, hypothesis, now), *self._next(now)]

    def _finals(
        self, channel: Channel, request: Decode, hypothesis: Hypothesis | None, now: float
    ) -> Iterator[Effect]:
        """Process the answer for an ended utterance; yield every final that is now ready."""
        for ended, answer in channel.answer(request, hypothesis):
            asked = channel.request_of(ended)
            if self._config.partials and channel.is_unseen(ended) and answer and answer.text:
                # Clients may expect a partial before a final; a short utterance has no other one.
                partial = msgspec.structs.replace(asked, purpose="partial")
                yield Show(self._transcript(partial, answer, now))
            seen = self._config.partials and channel.may_be_seen(ended)
            yield from self._final(asked, answer, now, seen=seen)
            channel.settle(ended)
            if answer and answer.text and ended.guess:
                self._language = settle(self._config.languages, self._language, ended.guess)

    def _partial(
        self, channel: Channel, request: Decode, hypothesis: Hypothesis | None, now: float
    ) -> Iterator[Effect]:
        marked = self._config.stability
        shown = channel.partial_shown(request, hypothesis, marked=marked) if hypothesis else None
        if shown:
            stable = channel.stable_words if marked else UNSET
            yield Show(self._transcript(request, shown, now, stable))

    def _take_language(
        self, channel: Channel, request: Decode, hypothesis: Hypothesis | None
    ) -> None:
        """Process a language identification; None counts as a result with confidence 0."""
        rules = self._config.languages
        samples = request.end - request.speech_start
        guess = Guess(rules.candidates[0], 0.0, samples)
        if hypothesis is not None:
            guess = Guess(hypothesis.language, hypothesis.confidence, samples)
        language, after = decide(rules, self._language, channel.index, guess)
        if channel.guessed(request, language):
            self._language = after
            channel.decided(guess, language)

    def _next(self, now: float) -> Iterator[Effect]:
        """Yield the requests possible now, and finals whose speculative answer is confirmed."""
        for effect in self._requests():
            yield effect
            if isinstance(effect, Confirm) and effect.hypothesis is not None:
                channel = self._channels[effect.request.channel]
                yield from self._finals(channel, effect.request, effect.hypothesis, now)

    def _requests(self) -> Iterator[Ask]:
        """Yield all requests possible now, each once: finals, and languages they wait for."""
        for channel in self._channels:
            if self._language.kept is not None:
                channel.speak(self._language.kept)
            yield from channel.final_requests()
            if self._config.foresee:
                yield from channel.foreseen_requests(self._language.kept)
        for channel in self._to_be_asked():
            if question := channel.question():
                yield question

    def _to_be_asked(self) -> Iterator[Channel]:
        """Yield the channels whose first utterance without a language is to be identified now.

        If the session keeps a single language, utterances are identified one by one, in the order
        in which they ended, until one decides.
        """
        if self._config.languages.switching:
            yield from self._channels
            return
        waiting = [channel for channel in self._channels if channel.waiting]
        if waiting:
            first = min(waiting, key=lambda channel: (channel.waiting[0].at, channel.index))
            if first.waiting[0].language is None:
                yield first

    def _partial_requests(self, channel: Channel) -> Iterator[Decode]:
        known = self._language.kept or self._language.latest[channel.index]
        if self._language.kept is None and (asked := channel.early_question(self.heard)):
            yield asked
        if request := channel.partial_request(self.heard, known):
            yield request

    def _final(
        self, request: Decode, hypothesis: Hypothesis | None, now: float, *, seen: bool
    ) -> Iterator[Effect]:
        """Emit the final, or an error if the utterance has none although clients expect one.

        A partial never replaces the final: which partials exist depends on timing and load.
        """
        if hypothesis is None:
            text = f"{_described(request)} could not be transcribed"
            yield Tell(self._error(FAILED, text, now))
        elif hypothesis.text:
            yield Tell(self._transcript(request, hypothesis, now))
        elif seen:
            text = f"{_described(request)} has no final: no speech was confirmed in it"
            yield Tell(self._error(WITHDRAWN, text, now))

    def _speech_effects(
        self, channel: Channel, events: Iterable[SpeechEvent], now: float
    ) -> Iterator[Effect]:
        """Yield the messages for a channel's events.

        Speech that continues past the maximum duration is reported as one speech: no
        ``speech_end`` and ``speech_start`` are sent for such a cut.
        """
        goes_on = False
        for event in events:
            if isinstance(event, SpeechStarted) and not goes_on:
                yield Tell(self._speech_message(SpeechStart, event.at, channel.index, now))
            if isinstance(event, UtteranceEnded):
                goes_on = event.reason == "maximum"
                if not goes_on:
                    yield Tell(
                        self._speech_message(SpeechEnd, event.speech_end, channel.index, now)
                    )

    def _speech_message(
        self, kind: type[SpeechStart | SpeechEnd], position: int, channel: int, now: float
    ) -> SpeechStart | SpeechEnd:
        return kind(
            session_id=self._config.session_id,
            created_at=iso(now),
            data=SpeechMoment(seconds(position), channel),
        )

    def _transcript(
        self,
        request: Decode,
        hypothesis: Hypothesis,
        now: float,
        stable: int | UnsetType = UNSET,
    ) -> Transcript:
        return Transcript(
            session_id=self._config.session_id,
            created_at=iso(now),
            data=TranscriptData(
                id=utterance_id(request),
                is_final=request.purpose == "final",
                utterance=placed(request, hypothesis),
                stable_words=stable,
            ),
        )

    def _error(self, code: str, text: str, now: float) -> ErrorMessage:
        return ErrorMessage(
            session_id=self._config.session_id,
            created_at=iso(now),
            error=failure(text, 500),
            data=ErrorDetail(code, text),
        )


def _described(request: Decode) -> str:
    """Describe the utterance of a request by its id and its position in the session."""
    place = f"{seconds(request.start)}-{seconds(request.end)} s"
    return f"utterance {utterance_id(request)} ({place})"


def utterance_id(request: Decode) -> str:
    """Return the utterance's id: its channel and its number there, as in ``00_00000007``."""
    return f"{request.channel:02d}_{request.utterance:08d}"


def placed(request: Decode, hypothesis: Hypothesis) -> Utterance:
    """Convert a hypothesis to an utterance with times relative to the session's start."""
    words = tuple(
        Word(
            word=word.text,
            start=seconds(request.start + word.start),
            end=seconds(request.start + word.end),
            confidence=round(word.confidence, 3),
        )
        for word in hypothesis.words
    )
    return Utterance(
        start=words[0].start if words else seconds(request.speech_start),
        end=words[-1].end if words else seconds(request.end),
        confidence=round(hypothesis.confidence, 3),
        channel=request.channel,
        words=words,
        text=hypothesis.text,
        language=hypothesis.language,
    )
