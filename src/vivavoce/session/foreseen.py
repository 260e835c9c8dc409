"""Speculative finals: requested during the silence in which an utterance may have ended.

If the silence lasts, the answer becomes the final, as the request is the same; if speech continues,
the answer is dropped. Checkpoints contain none of this: after a restart the final is requested when
the utterance has ended, and is the same.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from vivavoce.recognition.contract import Hypothesis
from vivavoce.session.effects import Abandon, Confirm, Decode
from vivavoce.speech.events import SpeechEvent, SpeechPaused


class Foreseen:
    """The speculative finals of one channel.

    Attributes:
        end: where the open utterance ends if the current pause lasts; None during speech.
    """

    def __init__(self) -> None:
        self.end: int | None = None
        self._guess: Decode | None = None  # requested; its utterance has not ended
        self._answer: Hypothesis | None = None
        self._failed = False
        self._confirmed: set[Decode] = set()  # their utterances ended; answers are outstanding

    def note(self, event: SpeechEvent) -> None:
        """Process a speech event; any event other than a pause ends the pause."""
        self.end = event.end if isinstance(event, SpeechPaused) else None

    def expect(self, final: Decode | None) -> Iterator[Decode | Abandon]:
        """Request this speculative final, once, and cancel any other.

        Args:
            final: the request as it will be if the current pause lasts; None if none is possible.
        """
        if self._guess is not None and self._guess != final:
            yield Abandon(_marked(self._guess))
            self._guess = None
        if final is not None and self._guess is None:
            self._guess, self._answer, self._failed = final, None, False
            yield _marked(final)

    def confirmed(self, final: Decode) -> Confirm | None:
        """Return, once, the confirmation that replaces the request for a predicted final.

        Return None if it was not predicted, or if the speculative request failed: then the final is
        requested normally, and only that request may fail the utterance.
        """
        if self._guess != final or self._failed:
            return None
        self._guess = None
        if self._answer is None:
            self._confirmed.add(_marked(final))
        return Confirm(_marked(final), self._answer)

    def settles(self, request: Decode, hypothesis: Hypothesis | None) -> bool:
        """Accept an answer (None: it failed); return whether it is a final's, or else store it."""
        if request in self._confirmed:
            self._confirmed.remove(request)
            return True
        if self._guess is not None and _marked(self._guess) == request:
            self._answer, self._failed = hypothesis, hypothesis is None
        return False


def _marked(final: Decode) -> Decode:
    return replace(final, foreseen=True)
