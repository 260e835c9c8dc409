"""An engine's confidence in the end mark of a text and in the capital it begins with.

Decoders end nearly every text with a full stop, because nothing follows in their audio. The
probability of that mark shows whether the sentence is over: docs/decisions/0015-reading.md.
"""

import math
import re
import unicodedata
from collections.abc import Sequence


def closing(text: str, log_probability: float) -> float | None:
    """Return the probability of the mark that a text ends with; None if it ends with no mark.

    Args:
        text: the decoded text.
        log_probability: log probability of its last token, which spells the mark if there is one.
    """
    if not unicodedata.category(text[-1:] or " ").startswith("P"):
        return None
    return math.exp(min(log_probability, 0.0))


def is_small(contextual: Sequence[str], alone: Sequence[str]) -> bool:
    """Return whether the first word is capitalised decoded alone but lower case with context."""
    if not contextual or not alone:
        return False
    ours, theirs = (re.sub(r"\W", "", words[0]) for words in (alone, contextual))
    return ours != theirs and ours.casefold() == theirs and theirs.islower()
