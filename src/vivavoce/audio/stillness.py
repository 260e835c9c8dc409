"""Detects silence in bytes of audio without decoding them.

The result affects only when audio is processed: silence may be processed later, together with
the audio that follows. It may therefore be wrong, and examines each byte only once.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from vivavoce.audio import g711
from vivavoce.audio.format import AudioFormat, Encoding

STILL_PEAK: Final = 16
"""Greatest magnitude of a silent 16-bit sample: -66 dB, the idle noise of A-law and µ-law."""

_ZERO: Final = b"\0"
_MIDDLE_OF_8_BITS: Final = b"\x80"
_SMALL: Final = bytes((*range(STILL_PEAK + 1), *range(256 - STILL_PEAK, 256)))
"""Bytes of small samples, low or high. A louder sample may consist of these bytes alone, but not a
whole chunk of louder samples."""


def stillness(audio: AudioFormat) -> Callable[[bytes], bool]:
    """Return a function that decides whether bytes of this format are silent."""
    still = _still_bytes(audio)
    nothing = still[:1] == _ZERO  # a muted source sends only zeros

    def is_still(data: bytes) -> bool:
        return (nothing and data == bytes(len(data))) or not data.translate(None, still)

    return is_still


def _still_bytes(audio: AudioFormat) -> bytes:
    if audio.encoding is not Encoding.PCM:
        codes = np.flatnonzero(np.abs(g711.table(audio.encoding)) <= STILL_PEAK)
        return bytes(codes.tolist())
    return {8: _MIDDLE_OF_8_BITS, 16: _SMALL}.get(audio.bit_depth, _ZERO)
