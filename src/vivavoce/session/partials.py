"""What a channel's partials remember: when one was asked for, what was heard, what is shown.

All of it may be lost in a crash: the next partial begins afresh, and finals know nothing of it.
"""

from collections.abc import Iterable

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.context import Earlier
from vivavoce.session.display import View, followed
from vivavoce.session.effects import Decode
from vivavoce.session.utterances import OpenUtterance

INTERVAL = SAMPLE_RATE * 3 // 10
"""New audio between two partials; the scheduler thins them out further under load."""

LEAST_SPEECH = SAMPLE_RATE // 5
"""An engine makes something up for less."""

CONTEXT = 3 * SAMPLE_RATE
"""Most samples before an utterance that its partials are decoded with. Finals have more: but half
of what they gain is in these, and partials are decoded again and again."""


def within_reach(limit: int) -> int:
    """Samples of context for partials, where utterances have at most ``limit`` with their own."""
    return min(CONTEXT, limit)


class Partials:
    """The partials of one channel's open utterance."""

    def __init__(self, channel: int, presumed: Iterable[int] = ()) -> None:
        """Begin without partials.

        Args:
            channel: index of the channel.
            presumed: utterances of which a client may have been shown something before a restart.
        """
        self._channel = channel
        self._utterance: OpenUtterance | None = None
        self._asked_at = 0
        self._shown_to = 0
        self._view = View()
        self._draft = ""
        self._seen: set[int] = set()  # utterances of which something was shown, until their final
        self._presumed = set(presumed)  # those of which something may have been, before a restart

    @property
    def stable(self) -> tuple[SpokenWord, ...]:
        """Words of the open utterance that no later partial changes."""
        return self._view.stable_words

    def begin(self, utterance: OpenUtterance) -> None:
        """An utterance has begun; those before it have no partials any more."""
        self._utterance = utterance
        self._asked_at = utterance.start
        self._shown_to = utterance.start
        self._view = View()
        self._draft = ""

    def end(self) -> None:
        """The open utterance has ended: what comes back for it now is stale."""
        self._utterance = None

    def request(self, heard: int, language: str, earlier: Earlier | None = None) -> Decode | None:
        """A request for a partial up to ``heard``, if enough was said since the last one.

        Args:
            heard: samples heard on the channel.
            language: what is spoken.
            earlier: what it is decoded with.
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
        """What is to be shown of a hypothesis for the span of ``request``; None: nothing new.

        The span is the open utterance from its beginning, as far as it is heard. Nothing is shown
        once the utterance has ended or a later partial was heard, nor at first what is not
        ``confirmed`` by the voice heard so far: it would have no final. Where stable words are
        ``marked``, one more of them is news as well.
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
        """Whether this process has shown nothing of an utterance."""
        return utterance not in self._seen

    def may_be_seen(self, utterance: int) -> bool:
        """Whether a client may hold a partial of an utterance."""
        return utterance in self._seen or utterance in self._presumed

    def presume(self, utterance: int) -> None:
        """Take it that a client holds a partial of an utterance, shown before a restart."""
        self._presumed.add(utterance)

    def settled(self, utterance: int) -> None:
        """Forget an utterance: its final or its error is out."""
        self._seen.discard(utterance)
        self._presumed.discard(utterance)
