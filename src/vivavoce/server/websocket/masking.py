"""The masking of client frames (RFC 6455 §5.3).

The library has a compiled version in an undocumented module; if that is missing, Python integers
do the same at a tenth of the speed.
"""

import sys
from collections.abc import Callable
from typing import Final

MASK_SIZE: Final = 4

Mask = Callable[[bytes | memoryview, bytes], bytes]


def portable_mask(data: bytes | memoryview, mask: bytes) -> bytes:
    """Mask or unmask data in pure Python."""
    size = len(data)
    repeated = (mask * (size // MASK_SIZE + 1))[:size]
    value = int.from_bytes(data, sys.byteorder) ^ int.from_bytes(repeated, sys.byteorder)
    return value.to_bytes(size, sys.byteorder)


def _fastest_mask() -> Mask:
    try:
        from websockets.speedups import apply_mask  # noqa: PLC0415  the library may lack it
    except ImportError:
        return portable_mask
    return apply_mask


apply_mask: Final[Mask] = _fastest_mask()
