"""Figures of one stream, from its log alone. Seconds unless said otherwise.

Times are those that the server tells: a word's last sample is its ``end`` in the final, speech
ends at the ``speech_end`` of its utterance. What is measured is when the client had them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from math import inf

from vivavoce.load.log import StreamLog
from vivavoce.load.stability import Stability, View, stability
from vivavoce.protocol.messages import SpeechEnd, Transcript
from vivavoce.protocol.transcript import Utterance

NEIGHBOURHOOD = (0, -1, 1)
"""A word counts as shown when it stands in its place or beside it."""


NEAR_SECONDS = 0.6
"""Between the end of an utterance's last word and the end of its speech."""


@dataclass(slots=True)
class Latencies:
    """Samples of each figure, so that streams can be put together.

    Attributes:
        time_to_final: from the last sample of speech to its final; utterances that were cut at
            the maximum duration have no such end and are left out.
        first_text: from the end of an utterance's first word to its first text.
        word_shown: from a word's end to its first being shown.
        word_final: from a word's end to its final.
        stop_to_final: from the stop to the last final, where one came after it.
        finals: finals seen.
        partials: partials seen.
        words: words of the finals.
        taken_back: words shown and then changed or removed.
        stable: the words that were marked as stable.
    """

    time_to_final: list[float] = field(default_factory=list)
    first_text: list[float] = field(default_factory=list)
    word_shown: list[float] = field(default_factory=list)
    word_final: list[float] = field(default_factory=list)
    stop_to_final: list[float] = field(default_factory=list)
    finals: int = 0
    partials: int = 0
    words: int = 0
    taken_back: int = 0
    stable: Stability = field(default_factory=Stability)

    def add(self, other: "Latencies") -> None:
        """Take another stream's samples in."""
        for name in ("time_to_final", "first_text", "word_shown", "word_final", "stop_to_final"):
            getattr(self, name).extend(getattr(other, name))
        self.finals += other.finals
        self.partials += other.partials
        self.words += other.words
        self.taken_back += other.taken_back
        self.stable.add(other.stable)


@dataclass(slots=True)
class _Story:
    """Every view of one utterance, in order; the last is its final."""

    views: list[View] = field(default_factory=list)
    final: bool = False

    @property
    def start(self) -> float:
        """Where its last view begins in the audio."""
        return self.views[-1][1].utterance.start


EVERYTHING = (0.0, inf)


def latencies(log: StreamLog, between: tuple[float, float] = EVERYTHING) -> Latencies:
    """Measure one stream, or the utterances of it that begin from one second to another."""
    found = Latencies()
    first, last = between
    stories = [each for each in _stories(log) if first <= each.start < last]
    ends = [
        (seen.message.data.channel, seen.message.data.time)
        for seen in log.seen
        if isinstance(seen.message, SpeechEnd)
    ]
    for story in stories:
        found.finals += story.final
        found.partials += len(story.views) - story.final
        if story.final:
            _measure(story.views, ends, log, found)
    late = [story.views[-1][0] for story in stories if story.final]
    if log.stopped is not None and any(at > log.stopped for at in late):
        found.stop_to_final.append(max(late) - log.stopped)
    return found


def _stories(log: StreamLog) -> list[_Story]:
    stories: dict[str, _Story] = {}
    for seen in log.seen:
        if isinstance(seen.message, Transcript):
            story = stories.setdefault(seen.message.data.id, _Story())
            story.views.append((seen.at, seen.message.data))
            story.final = story.final or seen.message.data.is_final
    return list(stories.values())


def _measure(
    views: Sequence[View],
    ends: Iterable[tuple[int, float]],
    log: StreamLog,
    found: Latencies,
) -> None:
    at, final = views[-1][0], views[-1][1].utterance
    within = [time for channel, time in ends if channel == final.channel and _belongs(time, final)]
    if within:
        found.time_to_final.append(at - log.spoken_at(min(within)))
    if not final.words:
        return
    found.first_text.append(views[0][0] - log.spoken_at(final.words[0].end))
    shown = [(seen, _plain(view.utterance)) for seen, view in views]
    for index, word in enumerate(_plain(final)):
        spoken = log.spoken_at(final.words[index].end)
        found.word_final.append(at - spoken)
        found.word_shown.append(_first_shown(shown, index, word) - spoken)
    found.words += len(final.words)
    found.taken_back += _taken_back([words for _, words in shown])
    found.stable.add(stability(views, log.spoken_at))


def _belongs(speech_end: float, final: Utterance) -> bool:
    """Whether speech that ended there is this utterance's: word times lie near, not exactly."""
    return final.start < speech_end and abs(speech_end - final.end) < NEAR_SECONDS


def _plain(utterance: Utterance) -> list[str]:
    """The words without case and punctuation: a full stop that comes later takes nothing back."""
    return ["".join(filter(str.isalnum, word.word)).casefold() for word in utterance.words]


def _first_shown(shown: Sequence[tuple[float, list[str]]], index: int, word: str) -> float:
    for at, words in shown:
        near = (index + step for step in NEIGHBOURHOOD)
        if any(0 <= place < len(words) and words[place] == word for place in near):
            return at
    raise AssertionError("the final shows each of its words")


def _taken_back(views: Sequence[list[str]]) -> int:
    """Words that a later view no longer begins with."""
    return sum(len(before) - _agreed(before, after) for before, after in pairwise(views))


def _agreed(before: Sequence[str], after: Sequence[str]) -> int:
    """How many words two views have in common from the beginning."""
    pairs = zip(before, after, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
