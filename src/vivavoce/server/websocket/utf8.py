"""Checks that text which arrives in pieces is UTF-8, without keeping it. Pure."""

import codecs

_decoder = codecs.getincrementaldecoder("utf-8")


class Utf8Check:
    """Follows one text.

    After a fault nothing is looked at any more.
    """

    def __init__(self) -> None:
        self._decode = _decoder().decode
        self._checked = 0
        self._fault = ""

    def feed(self, piece: bytes) -> bool:
        """Check the next bytes; False once the text is known not to be UTF-8."""
        if not self._fault:
            self._check(piece, last=False)
        return not self._fault

    def finish(self) -> str:
        """The text has ended: what is wrong with it, or an empty text."""
        if not self._fault:
            self._check(b"", last=True)
        return self._fault

    def _check(self, piece: bytes, *, last: bool) -> None:
        try:
            self._decode(piece, last)
        except UnicodeDecodeError as error:
            self._fault = f"{error.reason} near position {self._checked}"
        self._checked += len(piece)
