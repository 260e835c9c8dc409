"""Base64 as clients really write it: with line breaks, the URL-safe alphabet or no padding.

The strict reader comes first; this one reads what it refused, so that usual chunks cost the same.
"""

import binascii
from typing import Final

SLICE: Final = 1 << 18
"""Characters that are read in one call, which holds the interpreter; a multiple of four."""

_WHITE_SPACE: Final = b" \t\r\n\f\v"
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_GROUP: Final = 4
_LONGEST_PADDING: Final = 2


def forgiving_decode(text: str) -> bytes | None:
    """Decode base64 with white space anywhere, either alphabet, and padding or none.

    Node's decoder accepts all of these.

    Returns:
        The bytes; None where the text is not base64: other characters, padding before the end,
        or a single character left over.
    """
    if not text.isascii():
        return None
    digits = text.encode("ascii").translate(_STANDARD, _WHITE_SPACE)
    bare = digits.rstrip(b"=")
    missing = -len(bare) % _GROUP
    if missing > _LONGEST_PADDING or len(digits) - len(bare) > _LONGEST_PADDING:
        return None
    padded = bare + b"=" * missing
    pieces = (padded[at : at + SLICE] for at in range(0, len(padded), SLICE))
    try:
        return b"".join(binascii.a2b_base64(piece, strict_mode=True) for piece in pieces)
    except binascii.Error:
        return None
