"""Whether bytes of audio can hold a sound, told without decoding them.

It decides nothing but when audio is heard: what is still may be heard later, together with what
follows it. So it may err, and asks no more than one look at each byte.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from vivavoce.audio import g711
from vivavoce.audio.format import AudioFormat, Encoding

STILL_PEAK: Final = 16
"""The most that a sample of 16 bits may have: -66 dB, the noise of A-law and µ-law at rest."""

_ZERO: Final = b"\0"
_MIDDLE_OF_8_BITS: Final = b"\x80"
_SMALL: Final = bytes((*range(STILL_PEAK + 1), *range(256 - STILL_PEAK, 256)))
"""The bytes of small samples, low or high. Louder ones may be made of them alone, but not a whole
chunk of them."""


def stillness(audio: AudioFormat) -> Callable[[bytes], bool]:
    """Tells of bytes of this format whether they are still."""
    still = _still_bytes(audio)
    nothing = still[:1] == _ZERO  # a line that is muted carries nothing but zeros

    def is_still(data: bytes) -> bool:
        return (nothing and data == bytes(len(data))) or not data.translate(None, still)

    return is_still


def _still_bytes(audio: AudioFormat) -> bytes:
    if audio.encoding is not Encoding.PCM:
        codes = np.flatnonzero(np.abs(g711.table(audio.encoding)) <= STILL_PEAK)
        return bytes(codes.tolist())
    return {8: _MIDDLE_OF_8_BITS, 16: _SMALL}.get(audio.bit_depth, _ZERO)
