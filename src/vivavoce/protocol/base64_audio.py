"""Base64 as clients really write it: with line breaks, the URL-safe alphabet or no padding.

The strict reader comes first; this one reads what it refused, so that usual chunks cost the same.
"""

import binascii
from collections.abc import Iterable
from typing import Final

_WHITE_SPACE: Final = b" \t\r\n\f\v"
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_GROUP: Final = 4
_LONGEST_PADDING: Final = 2


def forgiving_decode(pieces: Iterable[str]) -> bytes | None:
    """Decode base64 with white space anywhere, either alphabet, and padding or none.

    Node's decoder accepts all of these.

    Args:
        pieces: the text; each piece is decoded by calls that hold the interpreter, so long text
            should come in several.

    Returns:
        The bytes; None where the text is not base64: other characters, padding before the end,
        or a single character left over.
    """
    decoded: list[bytes] = []
    rest, padding = b"", 0
    try:
        for piece in pieces:
            digits = piece.encode("ascii").translate(_STANDARD, _WHITE_SPACE)
            bare = digits.rstrip(b"=")
            if (padding and bare) or b"=" in bare:
                return None
            padding += len(digits) - len(bare)
            whole = rest + bare
            end = len(whole) - len(whole) % _GROUP
            decoded.append(binascii.a2b_base64(whole[:end], strict_mode=True))
            rest = whole[end:]
        missing = -len(rest) % _GROUP
        if max(missing, padding) > _LONGEST_PADDING:
            return None
        decoded.append(binascii.a2b_base64(rest + b"=" * missing, strict_mode=True))
    except (binascii.Error, UnicodeEncodeError):
        return None
    return b"".join(decoded)
