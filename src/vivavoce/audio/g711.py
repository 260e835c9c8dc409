"""A-law and µ-law as tables of 16-bit samples, computed from the formulas of ITU-T G.711."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.format import Encoding


@cache
def table(encoding: Encoding) -> NDArray[np.int16]:
    """Return the 256 linear samples (16 bit, full scale) for the codes of ``encoding``.

    Raises:
        ValueError: if ``encoding`` is neither A-law nor µ-law.
    """
    codes = np.arange(256, dtype=np.int32)
    if encoding is Encoding.ALAW:
        samples = _alaw(codes)
    elif encoding is Encoding.ULAW:
        samples = _ulaw(codes)
    else:
        raise ValueError(f"{encoding} is not a G.711 encoding")
    samples.setflags(write=False)  # shared by all sessions
    return samples


def _alaw(codes: NDArray[np.int32]) -> NDArray[np.int16]:
    """Decode to 13 bits: a linear first pair of segments, then each segment twice as coarse."""
    sent = codes ^ 0x55  # even bits are inverted in transmission
    segment, step = sent >> 4 & 7, sent & 15
    curved = (2 * step + 33) << np.maximum(segment - 1, 0)
    magnitude = np.where(segment == 0, 2 * step + 1, curved)
    return (np.where(sent & 0x80, magnitude, -magnitude) * 8).astype(np.int16)


def _ulaw(codes: NDArray[np.int32]) -> NDArray[np.int16]:
    """Decode to 14 bits: each segment twice as coarse, shifted by the bias of 33."""
    sent = codes ^ 0xFF  # all bits are inverted in transmission
    segment, step = sent >> 4 & 7, sent & 15
    magnitude = ((2 * step + 33) << segment) - 33
    return (np.where(sent & 0x80, -magnitude, magnitude) * 4).astype(np.int16)
