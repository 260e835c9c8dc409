"""Language identification requests of a channel, each made once per utterance."""

from vivavoce.session.effects import Decode
from vivavoce.session.language import EARLY_SAMPLES, GUESS_SAMPLES
from vivavoce.session.utterances import EndedUtterance, OpenUtterance


class Questions:
    """Tracks the requests made; after a restart, unanswered requests are made again."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._asked = -1
        self._asked_early = -1

    def about(self, ended: EndedUtterance) -> Decode | None:
        """Return the request for an ended utterance, unless it has been made."""
        if ended.number <= self._asked:
            return None
        self._asked = ended.number
        return self._question(ended, ended.end)

    def early(self, begun: OpenUtterance, heard: int) -> Decode | None:
        """Return an early request for an open utterance, once there is enough speech."""
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
    """Return whether a request covers the audio that decides an utterance's language.

    A request made while the utterance was open does not, unless it covers exactly the same audio.
    """
    decisive = _until(ended.speech_start, ended.end)
    return (request.utterance, request.end) == (ended.number, decisive)


def _until(speech_start: int, end: int) -> int:
    return min(end, speech_start + GUESS_SAMPLES)
