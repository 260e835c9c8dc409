"""What became of the words that a server marked as stable: how old they were, which did not stay.

Only a server that marks them can be asked (``messages_config.mark_stable_words``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from vivavoce.protocol.messages import TranscriptData

View = tuple[float, TranscriptData]
"""A transcript and when it was seen."""


@dataclass(slots=True)
class Stability:
    """Of the words that were marked as stable.

    Attributes:
        ages: of each, from its end to its being marked.
        broken: of them, changed or removed by a later partial: a broken promise.
        refuted: of them, those with which the final does not begin; case and marks do not count.
    """

    ages: list[float] = field(default_factory=list)
    broken: int = 0
    refuted: int = 0

    @property
    def marked(self) -> int:
        """How many there were."""
        return len(self.ages)

    def add(self, other: "Stability") -> None:
        """Take another stream's words in."""
        self.ages.extend(other.ages)
        self.broken += other.broken
        self.refuted += other.refuted


def stability(views: Sequence[View], spoken_at: Callable[[float], float]) -> Stability:
    """Follow the views of one utterance, its final last.

    Args:
        views: in the order in which they were seen.
        spoken_at: says when a position in the audio, in seconds, was spoken.
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
    """How many words both begin with."""
    pairs = zip(before.utterance.words, after.utterance.words, strict=False)
    same = takewhile(lambda pair: read(pair[0].word) == read(pair[1].word), pairs)
    return sum(1 for _ in same)


def _sound(word: str) -> str:
    return "".join(filter(str.isalnum, word)).casefold()


def _written(word: str) -> str:
    return word
