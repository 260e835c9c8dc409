"""Rules for decoding with context in Moonshine.

The audio of earlier utterances is encoded together with an utterance, and their text precedes its
tokens as if the model had just written it. From the first doubtful text on, the model decodes the
earlier audio again, and those words are left out. The measurements behind the numbers:
docs/decisions/0005-context.md.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

CARRIES = -0.4
"""Least mean log probability of a text that may be context for the next one."""
SURE = -0.2
"""Least mean log probability of a text decoded with context that is not decoded again."""
SURE_ALONE = -0.12
"""The same for a text without earlier speech. Its result depends on where the audio begins, so
that a second and a third cut may find the right words where the first missed them."""
SILENCES = (SAMPLE_RATE // 5, SAMPLE_RATE // 2)
"""Samples of preceding silence with which such an utterance is decoded again."""
BENEFIT = 0.05
"""Mean log probability by which a decoding without context must exceed the one with context."""
SPARSE = 1.0
"""Tokens per second of speech; with fewer, the model may have skipped words as already spoken."""

_CLOSING = re.compile(r"[\s.,;:!?\u2026-]+$")
_MARKS = frozenset(".,;:!?\u2026-")


def prefix_text(finals: Sequence[str]) -> str:
    """Return the text after which an utterance is decoded.

    A final received its closing marks before its continuation was known. They are removed from the
    last final, and from every final whose successor does not begin with a capital.
    """
    following = [*finals, ""][1:]
    return "".join(
        text if after[:2].strip()[:1].isupper() else _CLOSING.sub("", text)
        for text, after in zip(finals, following, strict=True)
    )


def is_mark(text: str) -> bool:
    """Return whether a token is punctuation that belongs to the preceding text."""
    return bool(text.strip()) and set(text.strip()) <= _MARKS


def is_latin(word: str) -> bool:
    """Return whether all letters of a word are Latin; the model writes others for noise."""
    return all(
        unicodedata.name(letter, "").startswith(("LATIN ", "FEMININE ", "MASCULINE "))
        for letter in word
        if letter.isalpha()
    )


def certainty(log_probabilities: Floats) -> float:
    """Return the mean log probability; minus infinity for a text without words."""
    return float(log_probabilities.mean()) if len(log_probabilities) else float("-inf")


def sparse(tokens: int, samples: int) -> bool:
    """Return whether a text has too few tokens for its audio and is probably incomplete."""
    return tokens < SPARSE * samples / SAMPLE_RATE


def carries(words: int, log_probabilities: Floats) -> bool:
    """Return whether a text that is not a loop may be context."""
    return words > 0 and certainty(log_probabilities) >= CARRIES
