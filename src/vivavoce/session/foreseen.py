"""The final of an utterance that may just have ended: asked for when it falls silent.

If the silence lasts, the answer is the final, for it is the answer to the same request; if speech
goes on it is dropped. Nothing of this is in a checkpoint: after a restart the final is asked for
when the utterance has ended, and says the same.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from vivavoce.recognition.contract import Hypothesis
from vivavoce.session.effects import Abandon, Confirm, Decode
from vivavoce.speech.events import SpeechEvent, SpeechPaused


class Foreseen:
    """The foreseen finals of one channel.

    Attributes:
        end: where the open utterance ends if the present pause lasts; None while it is spoken.
    """

    def __init__(self) -> None:
        self.end: int | None = None
        self._guess: Decode | None = None  # asked for, and its utterance goes on
        self._answer: Hypothesis | None = None
        self._failed = False
        self._confirmed: set[Decode] = set()  # not answered yet, though their utterances ended

    def note(self, event: SpeechEvent) -> None:
        """Whatever follows a pause ends it."""
        self.end = event.end if isinstance(event, SpeechPaused) else None

    def expect(self, final: Decode | None) -> Iterator[Decode | Abandon]:
        """Have the guess be this one, asked for once; None: none can be made now.

        Args:
            final: the request as it will be made if the present pause lasts.
        """
        if self._guess is not None and self._guess != final:
            yield Abandon(_marked(self._guess))
            self._guess = None
        if final is not None and self._guess is None:
            self._guess, self._answer, self._failed = final, None, False
            yield _marked(final)

    def confirmed(self, final: Decode) -> Confirm | None:
        """A final is to be asked for: what takes its place if it was foreseen, once.

        A guess that failed does not; what fails is a final that was asked for as such.
        """
        if self._guess != final or self._failed:
            return None
        self._guess = None
        if self._answer is None:
            self._confirmed.add(_marked(final))
        return Confirm(_marked(final), self._answer)

    def settles(self, request: Decode, hypothesis: Hypothesis | None) -> bool:
        """Take an answer, None for a failure; says whether it is a final's. Else it is kept."""
        if request in self._confirmed:
            self._confirmed.remove(request)
            return True
        if self._guess is not None and _marked(self._guess) == request:
            self._answer, self._failed = hypothesis, hypothesis is None
        return False


def _marked(final: Decode) -> Decode:
    return replace(final, foreseen=True)
