"""Word error rates: normalised, counted per recording, pooled, with confidence intervals."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
import numpy.typing as npt
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from accuracy.corpus import DIGITS

Normalizer = Callable[[str], str]
Interval = tuple[float, float]

RESAMPLINGS = 5_000
LEAST_RECORDINGS = 5
"""Least number of recordings for an interval; over fewer it is meaningless."""
BY_CHARACTER = frozenset({"bo", "ja", "km", "ko", "lo", "my", "th", "yue", "zh"})
"""Languages without spaces between words, and Korean, where their use varies."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Number of words of a reference, and a text's differences from it."""

    words: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            self.words + other.words,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def wrong(self) -> int:
        """Total number of errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Word error rate in percent."""
        return 100 * self.wrong / self.words if self.words else 0.0


def normalizer(language: str, group: str) -> Normalizer:
    """Return the published Whisper normaliser of a language.

    In the group of digits, numbers are also split: the normaliser turns "one two" into 12, but
    "1, 2" into "one 2", and neither spelling is more correct.
    """
    if language != "en":
        other: Normalizer = BasicTextNormalizer(split_letters=language in BY_CHARACTER)
        return other
    normal: Normalizer = EnglishTextNormalizer()
    return (lambda text: _apart(normal(text))) if group == DIGITS else normal


def _apart(text: str) -> str:
    digits = re.sub(r"\bone\b", "1", text)
    return " ".join(re.sub(r"\d", r" \g<0> ", digits).split())


def count(reference: str, text: str, normal: Normalizer) -> Errors:
    """Compare a text with its reference; without a reference every word is an insertion."""
    wanted, heard = normal(reference), normal(text)
    if not wanted.strip():
        return Errors(insertions=len(heard.split()))
    found = jiwer.process_words(wanted, heard)
    return Errors(
        found.hits + found.substitutions + found.deletions,
        found.substitutions,
        found.deletions,
        found.insertions,
    )


def pooled(errors: Sequence[Errors]) -> Errors:
    """Sum the errors of several recordings."""
    return sum(errors, Errors())


def rate_interval(errors: Sequence[Errors]) -> Interval | None:
    """Return the 95 % bootstrap interval of the pooled rate over recordings, in percent."""
    return difference_interval(errors, [Errors(words=each.words) for each in errors])


def difference_interval(
    one: Sequence[Errors], other: Sequence[Errors], sure: float = 95.0
) -> Interval | None:
    """Return the bootstrap interval of two rates' difference on the same recordings, in points.

    ``sure`` is the interval's confidence in per cent. The sampling is seeded: the same counts
    yield the same interval.
    """
    if len(one) < LEAST_RECORDINGS:
        return None
    words = np.array([each.words for each in one])
    surplus = np.array([a.wrong - b.wrong for a, b in zip(one, other, strict=True)])
    drawn = np.random.default_rng(0).integers(0, len(words), (RESAMPLINGS, len(words)))
    total: npt.NDArray[np.int64] = words[drawn].sum(axis=1)
    rates = 100 * surplus[drawn].sum(axis=1) / np.maximum(total, 1)
    rest = (100 - sure) / 2
    low, high = np.percentile(rates, [rest, 100 - rest])
    return float(low), float(high)
