"""Audio that is surely something else: a file of another kind, or text.

It is stored and heard as what it was declared, for nobody can prove that noise is no sound; but
its sender is told.
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
"""So many bytes that are all printable are text: samples of sound cross zero before that."""

LOOKED_AT: Final = 4096
"""Bytes from the first on that are looked at."""

_PRINTABLE: Final = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))


def suspicion(beginning: bytes) -> str | None:
    """What the first bytes of a session look like, if it is no raw audio."""
    for mark, name in _CONTAINERS.items():
        if beginning.startswith(mark):
            return name
    if beginning[_MP4_PLACE] == _MP4_MARK:
        return "an MP4 file"
    if len(beginning) >= LEAST_TEXT and _PRINTABLE.issuperset(beginning[:LOOKED_AT]):
        return "text"
    return None
