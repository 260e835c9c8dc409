"""How sure an engine is of the mark that its text ends with.

Decoders end nearly every text with a full stop, for nothing follows in what they hear. Whether the
sentence is over shows in how likely that mark was: docs/decisions/0015-reading.md.
"""

import math
import unicodedata


def closing(text: str, log_probability: float) -> float | None:
    """Probability of the mark that a text ends with; None if it ends with no mark.

    Args:
        text: what was heard.
        log_probability: of its last token, which spells the mark if there is one.
    """
    if not unicodedata.category(text[-1:] or " ").startswith("P"):
        return None
    return math.exp(min(log_probability, 0.0))
