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
"""A final is foreseen when no more silence than this is left to its utterance's end: sooner,
it would more often be in vain (docs/decisions/0012-early-finals.md)."""


class ChannelState(msgspec.Struct, frozen=True):
    """All that a channel must remember; part of the checkpoint.

    ``spoken`` are the finals right before the first of ``ended`` that may serve as context;
    ``begins`` says whether the last final that was told ended its sentence; ``certain`` is where
    the last certain speech ended whose final is out.
    """

    endpointer: EndpointingState
    next_number: int = 0
    open: OpenUtterance | None = None
    ended: tuple[EndedUtterance, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    begins: bool = False
    certain: int | None = None


class Channel:
    """Follows one channel.

    ``ended`` utterances leave in their order, whatever the order of the answers: a final waits
    for the finals before it. It is also asked for only when those are out that may be its
    context.

    Args:
        context: most samples that an utterance and its context have together; 0 for none.
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
        self._asked = 0  # so many of the ended have been asked for
        self._answers: dict[int, Hypothesis | None] = {}
        self._voice_before = self.open.voice if self.open else Voice()
        self._judged: list[float] = []  # windows of the open utterance since then
        self._partials = Partials(index, (each.number for each in self._ended))
        self._resumed: int | None = None  # speech of before a restart, or its part after a cut
        if self.open is not None:
            self._partials.begin(self.open)
            self._presume_seen(self.open.number)
        self._questions = Questions(index)
        self.foreseen = Foreseen()
        self._provisional: str | None = None  # what the open utterance seems to be spoken in

    @property
    def state(self) -> ChannelState:
        """What must be remembered (answers that wait for their turn are asked for again)."""
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
        """Utterances whose finals are not out yet."""
        return self._ended

    @property
    def resting(self) -> bool:
        """Nobody speaks, and every final is out."""
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
        """The first sample that may still be asked for, as context or to be decoded."""
        settled = self.settled
        quiet = max(settled - min(QUIET, self._limit), 0)
        if not self._spoken or not reaches(self._spoken[-1].end, settled, self._limit):
            return quiet
        return min(max(self._spoken[0].start, settled - self._limit), quiet)

    def hear(self, probabilities: Sequence[float]) -> Iterator[SpeechEvent]:
        """Advance by whole windows; the events must be consumed."""
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
        """The voice of the open utterance so far."""
        return self._voice_before + Voice.of(self._judged, self._endpointer.rules.onset)

    def _voice_since(self, place: int) -> Voice:
        """The voice of the last windows, from the one that begins at or holds ``place``.

        At the start of an utterance these are its onset, or what a cut carries over.
        """
        listening = self._endpointer.state
        windows = -(-(listening.position - place) // WINDOW_SAMPLES)
        return Voice.of(listening.recent[-windows:], self._endpointer.rules.onset)

    def interrupt(self, position: int) -> Iterator[SpeechEvent]:
        """End the open utterance at ``position``; the audio goes on."""
        for event in self._endpointer.interrupt(position):
            self._note(event)
            yield event

    def stop(self, position: int) -> Iterator[SpeechEvent]:
        """The channel's audio ends at ``position``."""
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
        """Note that partials of an utterance may have been shown before the restart.

        Each utterance but one that begins at a cut is announced in a commit, so that a checkpoint
        knows every utterance of which something was shown, or the one that was cut before it.
        """
        self._resumed = number
        self._partials.presume(number)

    def final_requests(self) -> Iterator[Decode | Confirm]:
        """The requests for finals whose turn has come, each once, unless they were foreseen."""
        while self._asked < len(self._ended) and not self._must_wait(self._asked):
            ended = self._ended[self._asked]
            self._asked += 1
            request = self._with_context(ended)
            yield self.foreseen.confirmed(request) or request

    def foreseen_requests(self, language: str | None) -> Iterator[Decode | Abandon]:
        """What is to be done about the final of the open utterance, which may have ended.

        Args:
            language: what it will be decoded in, if that is certain.
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
        """Whether the language or the context of an ended utterance is not known yet."""
        ended = self._ended[place]
        return ended.language is None or self._lacks_context(place, ended.end)

    def _lacks_context(self, place: int, end: int) -> bool:
        """Whether what is in this place and ends there may follow a final that is not out."""
        return place > 0 and reaches(self._ended[place - 1].end, end, self._limit)

    def _with_context(self, ended: EndedUtterance) -> Decode:
        return msgspec.structs.replace(self.request_of(ended), earlier=self._earlier(ended))

    def _earlier(self, ended: EndedUtterance) -> Earlier | None:
        """The context of an utterance that follows what is out.

        Nothing said is context across a change of language.
        """
        same = not self._spoken or self._spoken[-1].language == ended.language
        said = earlier(self._spoken, ended.end, self._limit) if same else None
        return said or silence(ended.start, ended.end, ended.quiet, self._limit)

    @property
    def undecided(self) -> EndedUtterance | None:
        """The first ended utterance whose language is not known."""
        return next((ended for ended in self._ended if ended.language is None), None)

    def question(self) -> Decode | None:
        """The request for the language of the first utterance that waits for it, once."""
        return self._questions.about(self.undecided) if self.undecided else None

    def early_question(self, heard: int) -> Decode | None:
        """A request for the language of the open utterance, once; its partials wait for it."""
        return self._questions.early(self.open, heard) if self.open else None

    def guessed(self, request: Decode, language: str) -> bool:
        """Note what the utterance asked about is taken for; says whether that decides."""
        if self.open is not None and self.open.number == request.utterance:
            self._provisional = language
        return self.undecided is not None and is_about(request, self.undecided)

    def decided(self, guess: Guess, language: str) -> None:
        """The first utterance whose language was not known is in this one."""
        place = next(at for at, ended in enumerate(self._ended) if ended.language is None)
        known = msgspec.structs.replace(self._ended[place], guess=guess, language=language)
        self._ended[place] = known

    def speak(self, language: str) -> None:
        """Have every utterance whose language is not known be in this one."""
        self._ended = [
            msgspec.structs.replace(ended, language=language) if ended.language is None else ended
            for ended in self._ended
        ]

    def request_of(self, ended: EndedUtterance) -> Decode:
        """The request for an utterance's final, its context left out."""
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
        """A request for a partial up to ``heard``, if enough was said since the last one."""
        language = self._provisional or language
        if language is None or self._endpointer.state.phase is not Phase.SPEAKING:
            return None
        return self._partials.request(heard, language, self._earlier_of_partials(language))

    def _earlier_of_partials(self, language: str) -> Earlier | None:
        """The context of the open utterance's partials; none while a final before it is due."""
        if self.open is None or self._ended or not self._spoken:
            return None
        last = self._spoken[-1]
        if last.language != language or not last.carries:
            return None
        return earlier(self._spoken, self.open.start, within_reach(self._limit))

    def partial_shown(
        self, request: Decode, hypothesis: Hypothesis, *, marked: bool = False
    ) -> Hypothesis | None:
        """What is to be shown of a partial's hypothesis, if anything.

        ``marked``: it is told which words are stable, and that alone is worth showing.
        """
        begun = self.open
        silence = self._silence_before(begun) if begun else None
        heard = is_confirmed(hypothesis, self._voice, silence)
        return self._partials.shown(request, hypothesis, confirmed=heard, marked=marked)

    @property
    def stable_words(self) -> int:
        """How many words of the open utterance no later partial changes."""
        return len(self._partials.stable)

    def is_unseen(self, ended: EndedUtterance) -> bool:
        """Whether no partial of an utterance was shown."""
        return self._partials.is_unseen(ended.number)

    def may_be_seen(self, ended: EndedUtterance) -> bool:
        """Whether a client may hold a partial of an utterance, also one of before a restart."""
        return self._partials.may_be_seen(ended.number)

    def settle(self, ended: EndedUtterance) -> None:
        """Forget the partials of an utterance whose final, or the error in its place, is out."""
        self._partials.settled(ended.number)

    def answer(
        self, request: Decode, hypothesis: Hypothesis | None
    ) -> Iterator[tuple[EndedUtterance, Hypothesis | None]]:
        """Take a final's hypothesis (None: it failed); gives every utterance whose turn it is."""
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
        """Samples from the last certain speech to an utterance's own; None without any."""
        return None if self._certain is None else utterance.speech_start - self._certain

    def _near(self, spoken: Sequence[Spoken]) -> tuple[Spoken, ...]:
        """Those that can still reach an utterance to come."""
        return tuple(each for each in spoken if reaches(each.end, spoken[-1].end, self._limit))
