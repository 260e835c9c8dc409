"""One channel of a live session: its utterances, from speech probabilities to finals in order."""

from collections.abc import Iterator, Sequence

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis
from vivavoce.session.context import QUIET, Earlier, Spoken, earlier, followed, reaches, silence
from vivavoce.session.effects import Abandon, Confirm, Decode
from vivavoce.session.evidence import Voice, confirmed, is_certain, is_confirmed
from vivavoce.session.foreseen import Foreseen
from vivavoce.session.language import Guess
from vivavoce.session.partials import Partials, within_reach
from vivavoce.session.questions import Questions, is_about
from vivavoce.session.reading import told, unfinished
from vivavoce.session.utterances import EndedUtterance, OpenUtterance
from vivavoce.speech.endpointing import Endpointer, EndpointingState, Phase
from vivavoce.speech.events import SpeechEvent, SpeechStarted, UtteranceEnded
from vivavoce.speech.rules import PRE_ROLL_SAMPLES, WINDOW_SAMPLES, EndpointingRules

LEAD_SAMPLES = SAMPLE_RATE * 3 // 20
"""Remaining silence, in samples, at which a final is requested speculatively.

An earlier request would more often be discarded (docs/decisions/0012-early-finals.md).
"""


class ChannelState(msgspec.Struct, frozen=True):
    """The persistent state of a channel; part of the checkpoint.

    ``spoken`` are the finals immediately before the first of ``ended`` that may serve as context;
    ``begins`` is whether the last emitted final ended its sentence; ``certain`` is the end of the
    last certain speech whose final is emitted.
    """

    endpointer: EndpointingState
    next_number: int = 0
    open: OpenUtterance | None = None
    ended: tuple[EndedUtterance, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    begins: bool = False
    certain: int | None = None


class Channel:
    """Track the utterances of one channel.

    Finals are emitted in order, whatever the order of the answers: a final waits for the finals
    before it. It is requested only once every final that may be its context is emitted.

    Args:
        context: maximum samples of an utterance plus its context; 0 for no context.
    """

    def __init__(
        self, index: int, rules: EndpointingRules, state: ChannelState | None, *, context: int = 0
    ) -> None:
        self.index = index
        self._limit = context
        self._endpointer = Endpointer(rules, state.endpointer if state else None)
        self._next_number = state.next_number if state else 0
        self.open = state.open if state else None
        self._ended: list[EndedUtterance] = list(state.ended) if state else []
        self._spoken = state.spoken if state else ()
        self._begins = state.begins if state else False
        self._certain = state.certain if state else None
        self._asked = 0  # how many of the ended utterances have been requested
        self._answers: dict[int, Hypothesis | None] = {}
        self._voice_before = self.open.voice if self.open else Voice()
        self._judged: list[float] = []  # windows of the open utterance since then
        self._partials = Partials(index, (each.number for each in self._ended))
        self._resumed: int | None = None  # speech from before a restart, or its part after a cut
        if self.open is not None:
            self._partials.begin(self.open)
            self._presume_seen(self.open.number)
        self._questions = Questions(index)
        self.foreseen = Foreseen()
        self._provisional: str | None = None  # probable language of the open utterance

    @property
    def state(self) -> ChannelState:
        """The state to store (answers not emitted yet are requested again after a restart)."""
        begun = self.open
        return ChannelState(
            self._endpointer.state,
            self._next_number,
            msgspec.structs.replace(begun, voice=self._voice) if begun else None,
            tuple(self._ended),
            self._spoken,
            self._begins,
            self._certain,
        )

    @property
    def waiting(self) -> Sequence[EndedUtterance]:
        """Ended utterances whose finals are not emitted yet."""
        return self._ended

    @property
    def resting(self) -> bool:
        """Whether no speech is in progress and every final is emitted."""
        quiet = self._endpointer.state.phase is Phase.QUIET
        return quiet and self.open is None and not self._ended

    @property
    def settled(self) -> int:
        """Samples up to which nothing remains to be decoded."""
        listening = self._endpointer.state
        since = listening.onset if listening.phase is Phase.ONSET else listening.position
        starts = [utterance.start for utterance in self._ended]
        next_start = max(since - PRE_ROLL_SAMPLES, listening.free_from)
        starts.append(self.open.start if self.open else next_start)
        return min(starts)

    @property
    def keep_from(self) -> int:
        """The first sample that may still be needed, as context or to be decoded."""
        settled = self.settled
        quiet = max(settled - min(QUIET, self._limit), 0)
        if not self._spoken or not reaches(self._spoken[-1].end, settled, self._limit):
            return quiet
        return min(max(self._spoken[0].start, settled - self._limit), quiet)

    def hear(self, probabilities: Sequence[float]) -> Iterator[SpeechEvent]:
        """Process the probabilities of whole windows; the events must be consumed."""
        if self._endpointer.pass_over(probabilities):
            return
        for probability in probabilities:
            events = self._endpointer.hear(probability)
            if self.open is not None:
                self._judged.append(probability)
            for event in events:
                self._note(event)
                yield event

    @property
    def _voice(self) -> Voice:
        """Voice activity of the open utterance so far."""
        return self._voice_before + Voice.of(self._judged, self._endpointer.rules.onset)

    def _voice_since(self, place: int) -> Voice:
        """Return the voice activity from the window that contains ``place`` to the last one.

        At the start of an utterance these windows are its onset, or what a cut carries over.
        """
        listening = self._endpointer.state
        windows = -(-(listening.position - place) // WINDOW_SAMPLES)
        return Voice.of(listening.recent[-windows:], self._endpointer.rules.onset)

    def interrupt(self, position: int) -> Iterator[SpeechEvent]:
        """End the open utterance at ``position``; the audio continues."""
        for event in self._endpointer.interrupt(position):
            self._note(event)
            yield event

    def stop(self, position: int) -> Iterator[SpeechEvent]:
        """End the channel's audio at ``position``."""
        for event in self._endpointer.stop(position):
            self._note(event)
            yield event

    def _note(self, event: SpeechEvent) -> None:
        self.foreseen.note(event)
        match event:
            case SpeechStarted():
                quiet = min(QUIET, event.start - self._endpointer.state.free_from)
                self.open = OpenUtterance(self._next_number, event.start, event.at, quiet)
                self._voice_before, self._judged = self._voice_since(event.at), []
                self._next_number += 1
                self._partials.begin(self.open)
                self._provisional = None
            case UtteranceEnded():
                begun = self.open
                if begun is None:
                    raise AssertionError("an utterance ended that had not begun")
                cut = event.reason == "maximum"
                after = self._voice_since(event.end) if cut else Voice()
                self._ended.append(
                    EndedUtterance(
                        begun.number,
                        event.start,
                        event.end,
                        begun.speech_start,
                        self._endpointer.state.position,
                        goes_on=cut,
                        last=event.reason == "stop",
                        quiet=begun.quiet,
                        voice=self._voice - after,
                    )
                )
                self.open = None
                self._partials.end()
                if cut and begun.number == self._resumed:
                    self._presume_seen(self._next_number)
            case _:
                pass

    def _presume_seen(self, number: int) -> None:
        """Record that partials of an utterance may have been shown before the restart.

        The start of each utterance is committed, except where an utterance begins at a cut. A
        checkpoint therefore contains every utterance with shown partials, or the one cut before it.
        """
        self._resumed = number
        self._partials.presume(number)

    def final_requests(self) -> Iterator[Decode | Confirm]:
        """Yield the finals that can be requested now, each once, or confirm speculative ones."""
        while self._asked < len(self._ended) and not self._must_wait(self._asked):
            ended = self._ended[self._asked]
            self._asked += 1
            request = self._with_context(ended)
            yield self.foreseen.confirmed(request) or request

    def foreseen_requests(self, language: str | None) -> Iterator[Decode | Abandon]:
        """Request or cancel the speculative final of the open utterance, which may have ended.

        Args:
            language: the language to decode in, if certain.
        """
        return self.foreseen.expect(self._final_in_sight(language))

    def _final_in_sight(self, language: str | None) -> Decode | None:
        begun, end = self.open, self.foreseen.end
        if begun is None or end is None or language is None:
            return None
        if self._endpointer.silence_left > LEAD_SAMPLES:
            return None
        if self._lacks_context(len(self._ended), end):
            return None
        return self._with_context(
            EndedUtterance(
                begun.number,
                begun.start,
                end,
                begun.speech_start,
                self._endpointer.state.position,
                language=language,
                quiet=begun.quiet,
            )
        )

    def _must_wait(self, place: int) -> bool:
        """Return whether the language or the context of an ended utterance is still unknown."""
        ended = self._ended[place]
        return ended.language is None or self._lacks_context(place, ended.end)

    def _lacks_context(self, place: int, end: int) -> bool:
        """Return whether a final not emitted yet may be context of the utterance at ``place``.

        ``end`` is where that utterance ends.
        """
        return place > 0 and reaches(self._ended[place - 1].end, end, self._limit)

    def _with_context(self, ended: EndedUtterance) -> Decode:
        return msgspec.structs.replace(self.request_of(ended), earlier=self._earlier(ended))

    def _earlier(self, ended: EndedUtterance) -> Earlier | None:
        """Return the context of the utterance that follows the emitted finals.

        Speech in another language is not used as context.
        """
        same = not self._spoken or self._spoken[-1].language == ended.language
        said = earlier(self._spoken, ended.end, self._limit) if same else None
        return said or silence(ended.start, ended.end, ended.quiet, self._limit)

    @property
    def undecided(self) -> EndedUtterance | None:
        """The first ended utterance whose language is unknown."""
        return next((ended for ended in self._ended if ended.language is None), None)

    def question(self) -> Decode | None:
        """Request, once, the language of the first ended utterance whose language is unknown."""
        return self._questions.about(self.undecided) if self.undecided else None

    def early_question(self, heard: int) -> Decode | None:
        """Request, once, the language of the open utterance; its partials wait for the answer."""
        return self._questions.early(self.open, heard) if self.open else None

    def guessed(self, request: Decode, language: str) -> bool:
        """Store the language assumed for the utterance; return whether this decides it."""
        if self.open is not None and self.open.number == request.utterance:
            self._provisional = language
        return self.undecided is not None and is_about(request, self.undecided)

    def decided(self, guess: Guess, language: str) -> None:
        """Set the language of the first ended utterance whose language was unknown."""
        place = next(at for at, ended in enumerate(self._ended) if ended.language is None)
        known = msgspec.structs.replace(self._ended[place], guess=guess, language=language)
        self._ended[place] = known

    def speak(self, language: str) -> None:
        """Set the language of every ended utterance whose language is unknown."""
        self._ended = [
            msgspec.structs.replace(ended, language=language) if ended.language is None else ended
            for ended in self._ended
        ]

    def request_of(self, ended: EndedUtterance) -> Decode:
        """Return the request for an utterance's final, without its context."""
        return Decode(
            self.index,
            ended.number,
            ended.start,
            ended.end,
            ended.speech_start,
            "final",
            language=ended.language or "",
        )

    def partial_request(self, heard: int, language: str | None) -> Decode | None:
        """Return a request for a partial up to ``heard``, if enough speech came since the last."""
        language = self._provisional or language
        if language is None or self._endpointer.state.phase is not Phase.SPEAKING:
            return None
        return self._partials.request(heard, language, self._earlier_of_partials(language))

    def _earlier_of_partials(self, language: str) -> Earlier | None:
        """Return the context of the open utterance's partials; None while a final is pending."""
        if self.open is None or self._ended or not self._spoken:
            return None
        last = self._spoken[-1]
        if last.language != language or not last.carries:
            return None
        return earlier(self._spoken, self.open.start, within_reach(self._limit))

    def partial_shown(
        self, request: Decode, hypothesis: Hypothesis, *, marked: bool = False
    ) -> Hypothesis | None:
        """Return the part of a partial's hypothesis to show, if any.

        ``marked``: partials report which words are stable, so that a change of it is also shown.
        """
        begun = self.open
        silence = self._silence_before(begun) if begun else None
        heard = is_confirmed(hypothesis, self._voice, silence)
        return self._partials.shown(request, hypothesis, confirmed=heard, marked=marked)

    @property
    def stable_words(self) -> int:
        """Number of words of the open utterance that no later partial changes."""
        return len(self._partials.stable)

    def is_unseen(self, ended: EndedUtterance) -> bool:
        """Return whether no partial of an utterance was shown."""
        return self._partials.is_unseen(ended.number)

    def may_be_seen(self, ended: EndedUtterance) -> bool:
        """Return whether a client may have a partial of an utterance (also across restarts)."""
        return self._partials.may_be_seen(ended.number)

    def settle(self, ended: EndedUtterance) -> None:
        """Discard the partials of an utterance whose final, or error in its place, is emitted."""
        self._partials.settled(ended.number)

    def answer(
        self, request: Decode, hypothesis: Hypothesis | None
    ) -> Iterator[tuple[EndedUtterance, Hypothesis | None]]:
        """Accept a final's hypothesis (None: it failed); yield all finals now ready, in order."""
        self._answers[request.utterance] = hypothesis
        while self._ended and self._ended[0].number in self._answers:
            ended = self._ended.pop(0)
            self._asked -= 1
            answer = self._answers.pop(ended.number)
            found = confirmed(answer, ended.voice, self._silence_before(ended))
            if is_certain(found, ended.voice):
                self._certain = ended.end
            if ended.goes_on:
                found = unfinished(found, ended.end - ended.start)
            self._spoken = self._near(followed(self._spoken, ended.start, ended.end, found))
            found, self._begins = told(found, begins=self._begins, last=ended.last)
            yield ended, found

    def _silence_before(self, utterance: OpenUtterance | EndedUtterance) -> int | None:
        """Return the samples from the last certain speech to an utterance's; None without any."""
        return None if self._certain is None else utterance.speech_start - self._certain

    def _near(self, spoken: Sequence[Spoken]) -> tuple[Spoken, ...]:
        """Return the finals that can still be context of a future utterance."""
        return tuple(each for each in spoken if reaches(each.end, spoken[-1].end, self._limit))
