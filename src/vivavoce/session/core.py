"""The live session as a pure state machine: events in, effects out.

It never sees audio, only the speech probability of each window and the hypotheses that come
back for the spans it asked for. Finals are a function of those; the time passed in only dates
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
"""Code of the error message in place of a final that the engine could not make."""
WITHDRAWN = "partials_withdrawn"
"""Code of the error message in place of a final that has no text after partials that had."""


class CoreConfig(msgspec.Struct, frozen=True):
    """What the core must know of the request.

    ``context`` is the most samples that an utterance and the speech before it that it is decoded
    with have together; 0 decodes every utterance alone. ``foresee`` asks for a final as soon as
    its utterance may have ended, which changes when finals come and nothing else. ``stability``
    has partials say how many of their words are stable.
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
        heard: windows heard.
        begun: the first audio has come.
        ended: the audio has ended.
        last_marker: number of the last break marker that was applied.
        language: what was decided about languages.
    """

    heard: int
    channels: tuple[ChannelState, ...]
    language: LanguageState
    begun: bool = False
    ended: bool = False
    last_marker: int = 0


def seconds(samples: int) -> float:
    """Samples at 16 kHz as the wire's seconds, to the millisecond."""
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
        """A checkpoint from which the same finals follow."""
        channels = tuple(channel.state for channel in self._channels)
        return CoreState(
            self._heard, channels, self._language, self._begun, self._ended, self._last_marker
        )

    @property
    def heard(self) -> int:
        """Samples heard so far, the same on every channel."""
        return self._heard * WINDOW_SAMPLES

    @property
    def last_marker(self) -> int:
        """Number of the last break marker that was applied."""
        return self._last_marker

    @property
    def waiting(self) -> int:
        """Utterances whose finals are not out yet."""
        return sum(len(channel.waiting) for channel in self._channels)

    @property
    def finished(self) -> bool:
        """The audio has ended and every final is out."""
        return self._ended and not self.waiting

    @property
    def resting(self) -> bool:
        """Nobody speaks and nothing is due: silence would change nothing but positions."""
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
        """The first sample of any channel that may still be asked for."""
        return min(channel.keep_from for channel in self._channels)

    def keep_from(self, channel: int) -> int:
        """The first sample of a channel that may still be asked for."""
        return self._channels[channel].keep_from

    def resume(self) -> list[Decode]:
        """After a restart from a checkpoint: the requests for what was under way."""
        return [effect for effect in self._requests() if isinstance(effect, Decode)]

    def begin(self, now: float) -> list[Effect]:
        """Audio has come; only the first is news."""
        if self._begun:
            return []
        self._begun = True
        return [Tell(StartRecording(session_id=self._config.session_id, created_at=iso(now)))]

    def hear(self, probabilities: Sequence[Sequence[float]], now: float) -> list[Effect]:
        """Take the speech probabilities of the next windows, as many for each channel."""
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
            marker: its number; markers are applied in their order, each once.
            channel: the only channel that it applies to.
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
        """The audio of every channel ends at ``position`` samples."""
        self._ended = True
        effects = [
            effect
            for channel in self._channels
            for effect in self._speech_effects(channel, channel.stop(position), now)
        ]
        return [*effects, *self._next(now)]

    def take(self, request: Decode, hypothesis: Hypothesis | None, now: float) -> list[Effect]:
        """Take the answer to a request; None means that it failed for good or gave way."""
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
        """Take the answer for an ended utterance: every final whose turn it is."""
        for ended, answer in channel.answer(request, hypothesis):
            asked = channel.request_of(ended)
            if self._config.partials and channel.is_unseen(ended) and answer and answer.text:
                # Clients may wait for a partial before a final; a short utterance has no other.
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
        """Take the answer to a question for a language; none is as good as an unsure one."""
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
        """What follows from where things stand: requests, and finals that were foreseen."""
        for effect in self._requests():
            yield effect
            if isinstance(effect, Confirm) and effect.hypothesis is not None:
                channel = self._channels[effect.request.channel]
                yield from self._finals(channel, effect.request, effect.hypothesis, now)

    def _requests(self) -> Iterator[Ask]:
        """All that can be asked for by now, each once: finals, and languages they wait for."""
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
        """The channels whose first utterance without a language is to be asked about now.

        Where the session is to keep one language, utterances are asked about one by one, in the
        order in which they ended, until one decides.
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
        """Emit the final, or the error for an utterance that has none though clients expect it.

        A partial is not made the final: which partials there were depends on time and load.
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
        """Messages and requests for a channel's events.

        Speech that runs on over the maximum duration is one speech to the listener: no
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
    """The utterance of a request by its id and its place in the session."""
    place = f"{seconds(request.start)}-{seconds(request.end)} s"
    return f"utterance {utterance_id(request)} ({place})"


def utterance_id(request: Decode) -> str:
    """``00_00000007``: the channel and the utterance's number on it."""
    return f"{request.channel:02d}_{request.utterance:08d}"


def placed(request: Decode, hypothesis: Hypothesis) -> Utterance:
    """A hypothesis put in its place in the session's time."""
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
