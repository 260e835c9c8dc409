"""State of a channel's partials: the last request, the last hypothesis and the shown text.

A crash may lose all of it: the next partial begins from scratch, and finals do not depend on it.
"""

from collections.abc import Iterable

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.context import Earlier
from vivavoce.session.display import View, followed
from vivavoce.session.effects import Decode
from vivavoce.session.utterances import OpenUtterance

INTERVAL = SAMPLE_RATE * 3 // 10
"""Minimum new audio, in samples, between two partials; the scheduler skips more under load."""

LEAST_SPEECH = SAMPLE_RATE // 5
"""Minimum speech, in samples, for a partial: engines hallucinate on less."""

CONTEXT = 3 * SAMPLE_RATE
"""Maximum samples of context before an utterance for its partials.

Finals have more context, but these samples give half of the gain, and partials are decoded
repeatedly.
"""


def within_reach(limit: int) -> int:
    """Return the limit for partials, where ``limit`` bounds an utterance with its context."""
    return min(CONTEXT, limit)


class Partials:
    """The partials of one channel's open utterance."""

    def __init__(self, channel: int, presumed: Iterable[int] = ()) -> None:
        """Begin without partials.

        Args:
            channel: index of the channel.
            presumed: utterances of which a client may have received a partial before a restart.
        """
        self._channel = channel
        self._utterance: OpenUtterance | None = None
        self._asked_at = 0
        self._shown_to = 0
        self._view = View()
        self._draft = ""
        self._seen: set[int] = set()  # utterances with a shown partial, until their final
        self._presumed = set(presumed)  # utterances that may have one from before a restart

    @property
    def stable(self) -> tuple[SpokenWord, ...]:
        """Words of the open utterance that no later partial changes."""
        return self._view.stable_words

    def begin(self, utterance: OpenUtterance) -> None:
        """Begin an utterance; earlier ones have no more partials."""
        self._utterance = utterance
        self._asked_at = utterance.start
        self._shown_to = utterance.start
        self._view = View()
        self._draft = ""

    def end(self) -> None:
        """End the open utterance; hypotheses that arrive for it later are stale."""
        self._utterance = None

    def request(self, heard: int, language: str, earlier: Earlier | None = None) -> Decode | None:
        """Return a request for a partial up to ``heard``, if there is enough new audio.

        Args:
            heard: samples processed on the channel.
            language: the language to decode in.
            earlier: the context to decode with.
        """
        begun = self._utterance
        if begun is None or heard - self._asked_at < INTERVAL:
            return None
        if heard - begun.speech_start < LEAST_SPEECH:
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
            earlier=earlier,
            language=language,
            draft=self._draft,
        )

    def shown(
        self,
        request: Decode,
        hypothesis: Hypothesis,
        *,
        confirmed: bool = True,
        marked: bool = False,
    ) -> Hypothesis | None:
        """Return what to show of a hypothesis for the span of ``request``; None if nothing new.

        The span is the open utterance from its beginning, as far as it was processed. Nothing is
        shown once the utterance has ended or a later partial was processed. The first partial is
        shown only if it is ``confirmed`` by the voice activity so far: otherwise the text might
        have no final. If stable words are ``marked``, an additional stable word counts as new.
        """
        begun = self._utterance
        if begun is None or begun.number != request.utterance or request.end <= self._shown_to:
            return None
        self._shown_to = request.end
        self._draft = hypothesis.text
        if self.is_unseen(request.utterance) and not confirmed:
            return None
        before = self._view
        self._view = followed(self._view, hypothesis.words, request.end - request.start)
        settled = marked and self._view.stable > before.stable
        if not self._view.words or (self._view.text == before.text and not settled):
            return None
        self._seen.add(request.utterance)
        return msgspec.structs.replace(hypothesis, text=self._view.text, words=self._view.words)

    def is_unseen(self, utterance: int) -> bool:
        """Return whether this process has shown no partial of an utterance."""
        return utterance not in self._seen

    def may_be_seen(self, utterance: int) -> bool:
        """Return whether a client may have a partial of an utterance."""
        return utterance in self._seen or utterance in self._presumed

    def presume(self, utterance: int) -> None:
        """Assume that a client has a partial of an utterance from before a restart."""
        self._presumed.add(utterance)

    def settled(self, utterance: int) -> None:
        """Discard an utterance whose final or error is emitted."""
        self._seen.discard(utterance)
        self._presumed.discard(utterance)
