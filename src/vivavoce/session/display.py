"""What of an open utterance is shown: words that hold, and of those the stable ones.

An engine that hears speech cut off in the middle of a word guesses how it ends, and says how sure
it is. A word is shown as soon as its own certainty, and that of every word before it, outweighs how
little was heard after it. Once two hypotheses agree on it and enough was heard since, it is stable:
no later partial of the utterance changes it. The final may.
Figures: docs/decisions/0013-partials.md.
"""

from collections.abc import Sequence
from itertools import accumulate, takewhile

import msgspec

from vivavoce.recognition.contract import SAMPLE_RATE, SpokenWord

STABLE_AFTER = SAMPLE_RATE * 3 // 10
"""Samples that must have been heard after a word before it can be stable."""


class Patience(msgspec.Struct, frozen=True):
    """How sure a word must be of which less than ``heard`` samples of sound followed.

    ``fresh`` where it is new, ``agreed`` where the hypothesis before had it too.
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
    """What is known of an open utterance; places are samples from its beginning.

    Attributes:
        words: those that are shown.
        stable: so many of them, from the first, never change again.
        heard: all that the last hypothesis said, the stable words first.
    """

    words: tuple[SpokenWord, ...] = ()
    stable: int = 0
    heard: tuple[SpokenWord, ...] = ()

    @property
    def text(self) -> str:
        """The joined words that are shown."""
        return "".join(word.text for word in self.words)

    @property
    def stable_words(self) -> tuple[SpokenWord, ...]:
        """Those that never change again."""
        return self.words[: self.stable]


def followed(view: View, words: Sequence[SpokenWord], length: int) -> View:
    """The view after one more hypothesis, of the utterance's first ``length`` samples."""
    heard = (*view.stable_words, *_after(view.stable_words, words))
    agreed = common(heard, view.heard)
    kept = common(heard, view.words)
    shown = max(_certain(heard, agreed, view.stable, length), kept, view.stable)
    return View(heard[:shown], _stable(heard, view.stable, min(agreed, shown), length), heard)


def common(some: Sequence[SpokenWord], others: Sequence[SpokenWord]) -> int:
    """How many words both begin with, whatever their case and marks."""
    pairs = zip(some, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: _sound(pair[0]) == _sound(pair[1]), pairs))


def _sound(word: SpokenWord) -> str:
    return "".join(filter(str.isalnum, word.text)).casefold()


def _after(stable: Sequence[SpokenWord], words: Sequence[SpokenWord]) -> list[SpokenWord]:
    """The words that follow the stable ones, placed behind them."""
    if not stable:
        return list(words)
    end = stable[-1].end
    if common(stable, words) == len(stable):
        following = list(words[len(stable) :])
    else:  # they are told apart by their places
        following = [word for word in words if word.start + word.end > 2 * end]
    ends = accumulate((word.end for word in following), max, initial=end)
    return [
        msgspec.structs.replace(word, start=max(word.start, free), end=max(word.end, free))
        for word, free in zip(following, ends, strict=False)
    ]


def _certain(words: Sequence[SpokenWord], agreed: int, stable: int, length: int) -> int:
    """How many words may be shown."""
    certainty = 1.0
    for at, word in enumerate(words[stable:], stable):
        certainty = min(certainty, word.confidence)
        patience = next(each for each in PATIENCE if length - word.end < each.heard)
        if certainty < (patience.agreed if at < agreed else patience.fresh):
            return at
    return len(words)


def _stable(words: Sequence[SpokenWord], stable: int, agreed: int, length: int) -> int:
    """How many words are stable now.

    Not the last of all: an engine closes every text, and its full stop would stay.
    """
    most = min(agreed, len(words) - 1)
    old = takewhile(lambda word: length - word.end >= STABLE_AFTER, words[stable:most])
    return stable + sum(1 for _ in old)
