"""Questions for the language of a channel's utterances, each asked once."""

from vivavoce.session.effects import Decode
from vivavoce.session.language import EARLY_SAMPLES, GUESS_SAMPLES
from vivavoce.session.utterances import EndedUtterance, OpenUtterance


class Questions:
    """Remembers what was asked. After a restart all that is still open is asked again."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._asked = -1
        self._asked_early = -1

    def about(self, ended: EndedUtterance) -> Decode | None:
        """The question about an ended utterance, unless it has been asked."""
        if ended.number <= self._asked:
            return None
        self._asked = ended.number
        return self._question(ended, ended.end)

    def early(self, begun: OpenUtterance, heard: int) -> Decode | None:
        """A question about an utterance that goes on, as soon as there is enough of it."""
        if begun.number <= self._asked_early or heard - begun.speech_start < EARLY_SAMPLES:
            return None
        self._asked_early = begun.number
        return self._question(begun, heard)

    def _question(self, utterance: OpenUtterance | EndedUtterance, end: int) -> Decode:
        return Decode(
            self._channel,
            utterance.number,
            utterance.start,
            _until(utterance.speech_start, end),
            utterance.speech_start,
            "language",
        )


def is_about(request: Decode, ended: EndedUtterance) -> bool:
    """Whether a question was about what decides an utterance's language.

    One that was asked while the utterance went on was not, unless it heard the very same audio.
    """
    decisive = _until(ended.speech_start, ended.end)
    return (request.utterance, request.end) == (ended.number, decisive)


def _until(speech_start: int, end: int) -> int:
    return min(end, speech_start + GUESS_SAMPLES)
