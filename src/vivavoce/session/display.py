"""Stable prefix of a partial hypothesis.

When speech is cut off in the middle of a word, the engine guesses the rest of the word and reports
its confidence. A word is shown once its own confidence, and that of every unstable word before it,
reach a threshold; the less audio follows, the higher the threshold. A word becomes stable once two
hypotheses agree on it and enough audio follows it: no later partial of the utterance changes it.
The final may.
Figures: docs/decisions/0013-partials.md.
"""

from collections.abc import Sequence
from itertools import accumulate, takewhile

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, SpokenWord

STABLE_AFTER = SAMPLE_RATE * 3 // 10
"""Samples of audio that must follow a word before it can be stable."""


class Patience(msgspec.Struct, frozen=True):
    """Minimum confidence of a word that is followed by less than ``heard`` samples of audio.

    ``fresh`` applies to a new word, ``agreed`` to one that the previous hypothesis contains too.
    """

    heard: float
    fresh: float
    agreed: float


PATIENCE: tuple[Patience, ...] = (
    Patience(SAMPLE_RATE * 0.1, 0.8, 0.8),
    Patience(SAMPLE_RATE * 0.3, 0.6, 0.6),
    Patience(SAMPLE_RATE * 0.5, 0.5, 0.3),
    Patience(float("inf"), 0.3, 0.0),
)


class View(msgspec.Struct, frozen=True):
    """The displayed state of an open utterance; positions are samples from its start.

    Attributes:
        words: the shown words.
        stable: how many of them, from the first, never change again.
        heard: all words of the last hypothesis, the stable words first.
    """

    words: tuple[SpokenWord, ...] = ()
    stable: int = 0
    heard: tuple[SpokenWord, ...] = ()

    @property
    def text(self) -> str:
        """The text of the shown words."""
        return "".join(word.text for word in self.words)

    @property
    def stable_words(self) -> tuple[SpokenWord, ...]:
        """The words that never change again."""
        return self.words[: self.stable]


def followed(view: View, words: Sequence[SpokenWord], length: int) -> View:
    """Return the view after a hypothesis for the utterance's first ``length`` samples."""
    heard = (*view.stable_words, *_after(view.stable_words, words))
    agreed = common(heard, view.heard)
    kept = common(heard, view.words)
    shown = max(_certain(heard, agreed, view.stable, length), kept, view.stable)
    return View(heard[:shown], _stable(heard, view.stable, min(agreed, shown), length), heard)


def common(some: Sequence[SpokenWord], others: Sequence[SpokenWord]) -> int:
    """Return the length of the common prefix in words, ignoring case and punctuation."""
    pairs = zip(some, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: _sound(pair[0]) == _sound(pair[1]), pairs))


def _sound(word: SpokenWord) -> str:
    return "".join(filter(str.isalnum, word.text)).casefold()


def _after(stable: Sequence[SpokenWord], words: Sequence[SpokenWord]) -> list[SpokenWord]:
    """Return the words that follow the stable ones, with times moved past their end."""
    if not stable:
        return list(words)
    end = stable[-1].end
    if common(stable, words) == len(stable):
        following = list(words[len(stable) :])
    else:  # a word follows if its midpoint is after the last stable word
        following = [word for word in words if word.start + word.end > 2 * end]
    ends = accumulate((word.end for word in following), max, initial=end)
    return [
        msgspec.structs.replace(word, start=max(word.start, free), end=max(word.end, free))
        for word, free in zip(following, ends, strict=False)
    ]


def _certain(words: Sequence[SpokenWord], agreed: int, stable: int, length: int) -> int:
    """Return how many words may be shown."""
    certainty = 1.0
    for at, word in enumerate(words[stable:], stable):
        certainty = min(certainty, word.confidence)
        patience = next(each for each in PATIENCE if length - word.end < each.heard)
        if certainty < (patience.agreed if at < agreed else patience.fresh):
            return at
    return len(words)


def _stable(words: Sequence[SpokenWord], stable: int, agreed: int, length: int) -> int:
    """Return how many words are stable now.

    The last word is never stable: an engine ends every text with a mark, which would then remain.
    """
    most = min(agreed, len(words) - 1)
    old = takewhile(lambda word: length - word.end >= STABLE_AFTER, words[stable:most])
    return stable + sum(1 for _ in old)
