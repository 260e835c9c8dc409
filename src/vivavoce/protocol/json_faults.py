"""Why a text is not JSON that can be read, in words that are true for its sender."""

import re

MOST_EXAMINED = 64 * 1024
"""Bytes of a faulty text that are looked through for the cause."""

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_HIGH, _LOW, _AFTER = 0xD800, 0xDC00, 0xE000


def json_fault(text: str | bytes | bytearray, error: Exception) -> str:
    """Explain why ``text`` could not be decoded; ``error`` is what the decoder said.

    The decoder takes half of a surrogate pair for the end of the text, and counts a byte that is
    not UTF-8 from the beginning of its string.
    """
    data = text[:MOST_EXAMINED].encode(errors="replace") if isinstance(text, str) else bytes(text)
    if half := lone_surrogate(data[:MOST_EXAMINED]):
        return f"{half} is half of a surrogate pair, send the whole character"
    if isinstance(error, UnicodeDecodeError):
        try:
            data.decode()
        except UnicodeDecodeError as first:
            wrong = data[first.start]
            return f"byte 0x{wrong:02x} at position {first.start} is not UTF-8: {first.reason}"
    return str(error)


def lone_surrogate(data: bytes) -> str | None:
    """The first escape that is half of a surrogate pair; None where every pair is whole."""
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(data):
        unit = int(escape[1], 16) if escape[1] else 0
        if high is not None:
            if high.end() == escape.start() and _LOW <= unit < _AFTER:
                high = None
                continue
            return high[0].decode()
        if _LOW <= unit < _AFTER:
            return escape[0].decode()
        high = escape if _HIGH <= unit < _LOW else None
    # At the end of what is looked at, the second half may follow.
    if high is None or (high.end() == len(data) and len(data) >= MOST_EXAMINED):
        return None
    return high[0].decode()
