"""When what was said before helps Moonshine, and when it must not be trusted.

The audio of earlier utterances is encoded together with an utterance, and their text stands before
its tokens as if the model had just written it; from the first doubted text on the model writes it
again, and what it says there is left out. What the numbers rest on:
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
"""Mean log probability from which a text may be what the next one is decoded with."""
SURE = -0.2
"""Mean log probability from which a text heard with context needs no second opinion."""
SURE_ALONE = -0.12
"""The same for a text that nothing was said before. What is heard then depends on where the audio
begins, so that a second and a third cut of it find the right words where the first missed them."""
SILENCES = (SAMPLE_RATE // 5, SAMPLE_RATE // 2)
"""Samples of the silence before such an utterance that it is heard again with."""
BENEFIT = 0.05
"""Of two decodings the one without context must be likelier by this to be believed."""
SPARSE = 1.0
"""Tokens per second of speech; fewer may mean that the model took words for said already."""

_CLOSING = re.compile(r"[\s.,;:!?\u2026-]+$")
_MARKS = frozenset(".,;:!?\u2026-")


def prefix_text(finals: Sequence[str]) -> str:
    """The text that an utterance is decoded after.

    A final was given its full stop before anybody knew how it goes on; the one right before the
    utterance loses it, and so does one that the next did not begin with a capital after.
    """
    following = [*finals, ""][1:]
    return "".join(
        text if after[:2].strip()[:1].isupper() else _CLOSING.sub("", text)
        for text, after in zip(finals, following, strict=True)
    )


def is_mark(text: str) -> bool:
    """Whether a token is punctuation that belongs to what was said before."""
    return bool(text.strip()) and set(text.strip()) <= _MARKS


def is_latin(word: str) -> bool:
    """Whether a word has letters of the Latin script alone; the model writes others for noise."""
    return all(
        unicodedata.name(letter, "").startswith(("LATIN ", "FEMININE ", "MASCULINE "))
        for letter in word
        if letter.isalpha()
    )


def certainty(log_probabilities: Floats) -> float:
    """Mean log probability; a text without words has none."""
    return float(log_probabilities.mean()) if len(log_probabilities) else float("-inf")


def sparse(tokens: int, samples: int) -> bool:
    """Whether a text has too few tokens for its audio: it probably left something out."""
    return tokens < SPARSE * samples / SAMPLE_RATE


def carries(words: int, log_probabilities: Floats) -> bool:
    """Whether a text that is no loop may be context."""
    return words > 0 and certainty(log_probabilities) >= CARRIES
