"""How sure an engine is of the mark that its text ends with, and of the capital it begins with.

Decoders end nearly every text with a full stop, for nothing follows in what they hear. Whether the
sentence is over shows in how likely that mark was: docs/decisions/0015-reading.md.
"""

import math
import re
import unicodedata
from collections.abc import Sequence


def closing(text: str, log_probability: float) -> float | None:
    """Probability of the mark that a text ends with; None if it ends with no mark.

    Args:
        text: what was heard.
        log_probability: of its last token, which spells the mark if there is one.
    """
    if not unicodedata.category(text[-1:] or " ").startswith("P"):
        return None
    return math.exp(min(log_probability, 0.0))


def is_small(contextual: Sequence[str], alone: Sequence[str]) -> bool:
    """Whether the first word, with a capital when heard alone, has none when heard with context."""
    if not contextual or not alone:
        return False
    ours, theirs = (re.sub(r"\W", "", words[0]) for words in (alone, contextual))
    return ours != theirs and ours.casefold() == theirs and theirs.islower()
