"""What a channel's partials remember, and what of a hypothesis is shown.

All of it may be lost in a crash: the next partial begins afresh, and finals know nothing of it.
"""

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis
from vivavoce.session.effects import Decode
from vivavoce.session.utterances import OpenUtterance

INTERVAL = SAMPLE_RATE * 3 // 10
"""New audio between two partials; the scheduler thins them out further under load."""


class Partials:
    """The partials of one channel's open utterance."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._utterance: OpenUtterance | None = None
        self._asked_at = 0
        self._shown_to = 0

    def begin(self, utterance: OpenUtterance) -> None:
        """An utterance has begun; those before it have no partials any more."""
        self._utterance = utterance
        self._asked_at = utterance.start
        self._shown_to = utterance.start

    def end(self) -> None:
        """The open utterance has ended: what comes back for it now is stale."""
        self._utterance = None

    def request(self, heard: int, language: str) -> Decode | None:
        """A request for a partial up to ``heard``, if enough was said since the last one."""
        begun = self._utterance
        if begun is None or heard - self._asked_at < INTERVAL:
            return None
        refresh = self._asked_at > begun.start
        self._asked_at = heard
        return Decode(
            self._channel,
            begun.number,
            begun.start,
            heard,
            begun.speech_start,
            "partial",
            refresh,
            language=language,
        )

    def shown(self, request: Decode, hypothesis: Hypothesis) -> Hypothesis | None:
        """What is to be shown of a hypothesis for the span of ``request``; None: nothing new.

        Nothing is once the utterance has ended or a later partial was shown.
        """
        begun = self._utterance
        if begun is None or begun.number != request.utterance or not hypothesis.text:
            return None
        if request.end <= self._shown_to:
            return None
        self._shown_to = request.end
        return hypothesis
