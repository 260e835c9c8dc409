"""Audio of a decode request: read it, and cut it at quiet points."""

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.word_times import STEP, loudness

Floats = npt.NDArray[np.float32]

_CUT_ZONE = 5 * SAMPLE_RATE
"""Length of the zone, in samples before the end of the longest piece, that may hold the cut."""
_CUT_WIDTH = 10
"""Loudness frames that must be quiet together."""


def read_audio(encoded: bytes) -> Floats:
    """Read a request's audio.

    Raises:
        ValueError: the audio does not consist of whole, finite 32-bit floats.
    """
    if len(encoded) % 4:
        raise ValueError(f"{len(encoded)} bytes are not whole 32-bit samples")
    audio = np.frombuffer(encoded, "<f4")
    if not np.isfinite(audio).all():
        raise ValueError("the audio holds values that are not numbers")
    return audio


def cut_where_quiet(audio: Floats, longest: int) -> list[int]:
    """Return cut points (samples) such that no piece is longer than ``longest`` (over 5 s)."""
    cuts: list[int] = []
    start = 0
    while len(audio) - start > longest:
        start += _quiet_point(audio[start : start + longest])
        cuts.append(start)
    return cuts


def _quiet_point(audio: Floats) -> int:
    """Return the sample in the middle of the quietest stretch of the audio's cut zone."""
    zone = len(audio) - _CUT_ZONE
    smooth = np.convolve(loudness(audio[zone:]), np.ones(_CUT_WIDTH), mode="valid")
    return zone + (int(smooth.argmin()) + _CUT_WIDTH // 2) * STEP
