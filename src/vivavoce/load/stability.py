"""Measures words marked as stable: their age when marked, and those changed afterwards.

The server must mark stable words (``messages_config.mark_stable_words``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from vivavoce.protocol.messages import TranscriptData

View = tuple[float, TranscriptData]
"""The time a transcript was received, and its data."""


@dataclass(slots=True)
class Stability:
    """Figures of the words marked as stable.

    Attributes:
        ages: time from each word's end to its being marked.
        broken: number changed or removed by a later partial, which breaks the server's guarantee.
        refuted: number beyond the words the final begins with, ignoring case and punctuation.
    """

    ages: list[float] = field(default_factory=list)
    broken: int = 0
    refuted: int = 0

    @property
    def marked(self) -> int:
        """Number of words marked as stable."""
        return len(self.ages)

    def add(self, other: "Stability") -> None:
        """Add another stream's words."""
        self.ages.extend(other.ages)
        self.broken += other.broken
        self.refuted += other.refuted


def stability(views: Sequence[View], spoken_at: Callable[[float], float]) -> Stability:
    """Measure the views of one utterance, its final last.

    Args:
        views: the views in the order of their arrival.
        spoken_at: returns the time at which a position in the audio, in seconds, was spoken.
    """
    found = Stability()
    known = 0
    for at, data in views:
        for word in data.utterance.words[known : _marked(data)]:
            found.ages.append(at - spoken_at(word.end))
        known = max(known, _marked(data))
    for (_, before), (_, after) in pairwise(views):
        kept = _same(before, after, _sound if after.is_final else _written)
        lost = max(_marked(before) - kept, 0)
        if after.is_final:
            found.refuted += lost
        else:
            found.broken += lost
    return found


def _marked(data: TranscriptData) -> int:
    return data.stable_words if isinstance(data.stable_words, int) else 0


def _same(before: TranscriptData, after: TranscriptData, read: Callable[[str], str]) -> int:
    """Return the number of words that both begin with."""
    pairs = zip(before.utterance.words, after.utterance.words, strict=False)
    same = takewhile(lambda pair: read(pair[0].word) == read(pair[1].word), pairs)
    return sum(1 for _ in same)


def _sound(word: str) -> str:
    return "".join(filter(str.isalnum, word)).casefold()


def _written(word: str) -> str:
    return word
