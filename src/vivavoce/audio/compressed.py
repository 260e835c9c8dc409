"""Recognises compressed audio within bytes: MPEG audio frames, ADTS frames and Ogg pages."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

FRAMES_IN_A_ROW: Final = 5
"""Sync words at the distances their own headers state; such a chain does not occur by chance."""

_SYNC: Final = 0xFF
_SYNC_MORE: Final = 0xE0
_OGG_PAGE: Final = b"OggS\0"
_OGG_FLAGS: Final = 8
_OGG_FLAGS_AT: Final = 5

_LEAST_VARIETY: Final = 128
"""Least number of distinct byte values in a chain of frames: a tone repeats itself, too."""

# ISO/IEC 11172-3 and 13818-3: bit rates in kbit/s by version (1, 2) and layer (1, 2, 3).
_BIT_RATES: Final = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""Keyed by the two version bits: MPEG-1, MPEG-2, MPEG-2.5."""

ADTS: Final = "AAC in ADTS frames"
MPEG: Final = "MPEG audio (MP3)"
OGG: Final = "Ogg pages (Opus or Vorbis)"


def compressed(data: bytes) -> str | None:
    """Return the name of the compressed audio within bytes, or None if none is certain."""
    if _has_ogg_page(data):
        return OGG
    codes = np.frombuffer(data, np.uint8).astype(np.int64)
    places = np.flatnonzero((codes[:-6] == _SYNC) & (codes[1:-5] >= _SYNC_MORE))
    if len(places) < FRAMES_IN_A_ROW:
        return None
    heads = [codes[places + offset] for offset in range(6)]
    if _chained(codes, places, *_adts(heads)):
        return ADTS
    if _chained(codes, places, *_mpeg(heads)):
        return MPEG
    return None


def _has_ogg_page(data: bytes) -> bool:
    at = data.find(_OGG_PAGE)
    while at >= 0:
        flags = data[at + _OGG_FLAGS_AT : at + _OGG_FLAGS_AT + 1]
        if flags and flags[0] < _OGG_FLAGS:
            return True
        at = data.find(_OGG_PAGE, at + 1)
    return False


def _adts(heads: list[Numbers]) -> tuple[Numbers, Numbers]:
    """Return each ADTS frame's length (0 for none) and the header bits a stream's frames share."""
    length = (heads[3] & 3) << 11 | heads[4] << 3 | heads[5] >> 5
    valid = (heads[1] & 0xF6 == 0xF0) & (heads[2] >> 2 & 15 < 13) & (length > 7)  # noqa: PLR2004
    return np.where(valid, length, 0), heads[1] << 16 | (heads[2] & 0xFD) << 8 | heads[3] >> 6


def _mpeg(heads: list[Numbers]) -> tuple[Numbers, Numbers]:
    """Return the same for MPEG audio, layers 1 to 3."""
    second, third = heads[1], heads[2]
    length = _length_table()[(second >> 3 & 3), (second >> 1 & 3), third >> 4, third >> 2 & 3]
    slot = np.where(second >> 1 & 3 == 3, 4, 1)  # noqa: PLR2004  layer 1 is padded by 4 bytes
    padded = np.where(length > 0, length + (third >> 1 & 1) * slot, 0)
    return padded, (second & 0xFE) << 8 | third & 0x0C


@cache
def _length_table() -> Numbers:
    """Return frame bytes without padding by version bits, layer bits, bit rate and rate index."""
    table = np.zeros((4, 4, 16, 4), np.int64)
    for version, rates in _RATES.items():
        for layer in (1, 2, 3):
            bit_rates = _BIT_RATES[1 if version == 3 else 2, layer]  # noqa: PLR2004
            halved = layer == 3 and version != 3  # noqa: PLR2004
            for index, bit_rate in enumerate(bit_rates):
                for place, rate in enumerate(rates):
                    slots = (72_000 if halved else 144_000) * bit_rate // rate
                    first = 12_000 * bit_rate // rate * 4
                    table[version, 4 - layer, index, place] = first if layer == 1 else slots
    table.setflags(write=False)
    return table


def _chained(codes: Numbers, places: Numbers, lengths: Numbers, kinds: Numbers) -> bool:
    """Check for a chain of frames of one kind, each beginning where the previous one ends."""
    size = len(codes)
    following = np.full(size, -1)
    following[places] = np.arange(len(places))
    ends = places + lengths
    inside = (lengths > 0) & (ends < size)
    after = np.where(inside, following[np.minimum(ends, size - 1)], -1)
    linked = (after >= 0) & (kinds[after] == kinds) & (lengths[after] > 0)
    run = linked.copy()
    for _ in range(FRAMES_IN_A_ROW - 2):
        run = linked & run[after]
    starts = np.flatnonzero(run)
    if not len(starts):
        return False
    first = starts[0]
    begin, second = places[first], places[after[first]]
    same = np.array_equal(codes[begin:second], codes[second : 2 * second - begin])
    chain = codes[begin : begin + (FRAMES_IN_A_ROW - 1) * lengths[first]]
    return not same and len(np.unique(chain)) >= _LEAST_VARIETY
