"""Latencies of one stream, computed from its log alone, in seconds unless stated otherwise.

Audio positions are those the server reports: a word's last sample is its ``end`` in the final,
and speech ends at the ``speech_end`` of its utterance. Latencies are measured to the arrival of
the messages at the client.
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
"""Offsets of positions at which a word counts as shown: its own and the adjacent ones."""


NEAR_SECONDS = 0.6
"""Maximum distance between the end of an utterance's last word and the end of its speech."""


@dataclass(slots=True)
class Latencies:
    """Samples of each figure, kept so that streams can be combined.

    Attributes:
        time_to_final: from the last sample of speech to its final; utterances cut at the maximum
            duration have no such end and are excluded.
        first_text: from the end of an utterance's first word to its first text.
        word_shown: from a word's end to its first appearance.
        word_final: from a word's end to its final.
        stop_to_final: from the stop to the last final, if one arrived after it.
        finals: number of finals received.
        partials: number of partials received.
        words: number of words in the finals.
        taken_back: number of words shown and then changed or removed.
        stable: the words marked as stable.
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
        """Add another stream's samples."""
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
        """Start of its last view, as a position in the audio."""
        return self.views[-1][1].utterance.start


EVERYTHING = (0.0, inf)


def latencies(log: StreamLog, between: tuple[float, float] = EVERYTHING) -> Latencies:
    """Measure one stream, or only its utterances that start within ``between`` (seconds)."""
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
    """Return whether speech that ended there is this utterance's; word times are approximate."""
    return final.start < speech_end and abs(speech_end - final.end) < NEAR_SECONDS


def _plain(utterance: Utterance) -> list[str]:
    """Return the words without case and punctuation: a full stop added later changes no word."""
    return ["".join(filter(str.isalnum, word.word)).casefold() for word in utterance.words]


def _first_shown(shown: Sequence[tuple[float, list[str]]], index: int, word: str) -> float:
    for at, words in shown:
        near = (index + step for step in NEIGHBOURHOOD)
        if any(0 <= place < len(words) and words[place] == word for place in near):
            return at
    raise AssertionError("the final shows each of its words")


def _taken_back(views: Sequence[list[str]]) -> int:
    """Count the words of each view that the next view no longer begins with."""
    return sum(len(before) - _agreed(before, after) for before, after in pairwise(views))


def _agreed(before: Sequence[str], after: Sequence[str]) -> int:
    """Return the number of words that two views have in common from the beginning."""
    pairs = zip(before, after, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
