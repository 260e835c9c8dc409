"""Decodes bytes of any declared format, however they are split, to float samples."""

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio import g711
from vivavoce.audio.format import AudioFormat, Encoding

Frames = NDArray[np.float32]
"""Samples in [-1, 1), shaped [frames, channels]."""


def decode_frames(audio: AudioFormat, data: bytes) -> Frames:
    """Decode whole frames of little-endian audio.

    Args:
        audio: the declared format.
        data: a whole number of frames.

    Returns:
        The samples, shaped [frames, channels].
    """
    if audio.encoding is Encoding.PCM:
        flat = _PCM_DECODERS[audio.bit_depth](data)
    else:
        flat = _scaled(g711.table(audio.encoding)[np.frombuffer(data, np.uint8)], 15)
    return flat.reshape(-1, audio.channels)


def _scaled(samples: NDArray[np.integer], bits: int) -> NDArray[np.float32]:
    return samples.astype(np.float32) * np.float32(2.0**-bits)


def _unsigned_8(data: bytes) -> NDArray[np.float32]:
    return _scaled(np.frombuffer(data, np.uint8).astype(np.int16) - 128, 7)


def _signed_16(data: bytes) -> NDArray[np.float32]:
    return _scaled(np.frombuffer(data, "<i2"), 15)


def _packed_24(data: bytes) -> NDArray[np.float32]:
    packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
    words = np.zeros((len(packed), 4), np.uint8)
    words[:, 1:] = packed
    return _top_24(words.reshape(-1).view("<i4"))


def _signed_32(data: bytes) -> NDArray[np.float32]:
    return _top_24(np.frombuffer(data, "<i4"))


def _top_24(words: NDArray[np.int32]) -> NDArray[np.float32]:
    """Scale exactly: a float has 24 bits, and rounding the rest could reach 1.0."""
    return _scaled(words >> 8, 23)


_PCM_DECODERS = {8: _unsigned_8, 16: _signed_16, 24: _packed_24, 32: _signed_32}


class SampleDecoder:
    """Decodes chunks of audio bytes; keeps an incomplete frame for the next chunk."""

    def __init__(self, audio: AudioFormat) -> None:
        self._format = audio
        self._rest = b""

    def feed(self, data: bytes) -> Frames:
        """Return the frames that ``data`` completes, shaped [frames, channels]."""
        joined = self._rest + data
        whole = len(joined) - len(joined) % self._format.frame_bytes
        self._rest = joined[whole:]
        return decode_frames(self._format, joined[:whole])
