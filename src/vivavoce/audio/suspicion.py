"""Detects audio that is certainly something else: a file of another kind, or text.

Such audio is still stored and transcribed as declared, since noise cannot be proved not to be
sound, but the sender receives a notice.
"""

from typing import Final

_CONTAINERS: Final = {
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"FORM": "an AIFF file",
    b"caff": "a Core Audio file",
    b"#!AMR": "an AMR file",
    b"\x1aE\xdf\xa3": "a Matroska or WebM file",
}
_MP4_MARK: Final = b"ftyp"
_MP4_PLACE: Final = slice(4, 8)

LEAST_TEXT: Final = 512
"""Least length of a beginning that counts as text if all its bytes are printable; samples of sound
cross zero sooner."""

LOOKED_AT: Final = 4096
"""Number of bytes examined from the start."""

_PRINTABLE: Final = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))


def suspicion(beginning: bytes) -> str | None:
    """Return what the first bytes of a session look like, or None for raw audio."""
    for mark, name in _CONTAINERS.items():
        if beginning.startswith(mark):
            return name
    if beginning[_MP4_PLACE] == _MP4_MARK:
        return "an MP4 file"
    if len(beginning) >= LEAST_TEXT and _PRINTABLE.issuperset(beginning[:LOOKED_AT]):
        return "text"
    return None
