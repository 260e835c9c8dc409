"""Checks incrementally that a text is valid UTF-8, without storing it. Pure."""

import codecs

_decoder = codecs.getincrementaldecoder("utf-8")


class Utf8Check:
    """Checks one text; after a fault, further pieces are ignored."""

    def __init__(self) -> None:
        self._decode = _decoder().decode
        self._checked = 0
        self._fault = ""

    def feed(self, piece: bytes) -> bool:
        """Check the next bytes; return False once the text is known to be invalid."""
        if not self._fault:
            self._check(piece, last=False)
        return not self._fault

    def finish(self) -> str:
        """End the text; return its fault, or an empty text."""
        if not self._fault:
            self._check(b"", last=True)
        return self._fault

    def _check(self, piece: bytes, *, last: bool) -> None:
        try:
            self._decode(piece, last)
        except UnicodeDecodeError as error:
            self._fault = f"{error.reason} near position {self._checked}"
        self._checked += len(piece)
