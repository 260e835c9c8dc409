"""Signs that a decoder went round in circles instead of listening."""

import zlib
from collections.abc import Sequence

_LOOP = 3
"""How often a phrase stands at the end of a text that never ended before it counts as a loop."""


def without_loop(tokens: Sequence[int]) -> int:
    """Return how many tokens to keep of a text that the decoder did not end itself.

    A phrase that goes round at its end is kept once.
    """
    for period in range(1, len(tokens) // _LOOP + 1):
        repeated = _repeated(tokens, period)
        if repeated >= period * (_LOOP - 1):
            return len(tokens) - repeated
    return len(tokens)


def _repeated(tokens: Sequence[int], period: int) -> int:
    """How many tokens at the end equal those a period before them."""
    repeated = 0
    while repeated + period < len(tokens) and (
        tokens[-1 - repeated] == tokens[-1 - repeated - period]
    ):
        repeated += 1
    return repeated


def compressibility(text: str) -> float:
    """How much shorter a general compressor makes a text: speech about 1 to 2, loops far more."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0
