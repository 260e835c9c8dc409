"""Refuses long texts that cannot become an audio chunk, while they arrive. Pure."""

from vivavoce.protocol.long_messages import LARGE

_CHUNK = b"chunk"
_WHITESPACE = b" \t\r\n"


class LongTextFilter:
    """Follows one text frame of a client.

    ``long_messages.parsed`` reads a long text only if at most ``LARGE`` bytes of it stand beside
    one string, the ``chunk`` of its audio. So that string is begun within the first ``LARGE``
    bytes, and no more than the rest of them follows it. What is refused here, ``parsed`` refuses
    too, the same text whole as well as what had arrived of it.
    """

    def __init__(self) -> None:
        self._begin = 0
        self._end: int | None = None

    def __call__(self, text: bytearray, new: int) -> bool:
        """Whether ``text``, whose bytes from ``new`` on have just arrived, may become a chunk."""
        if len(text) <= 2 * LARGE:
            return True  # the string may still be any
        if not self._begin:
            begin = text.rfind(b'"', 0, LARGE) + 1
            if not _begins_a_chunk(text, begin):
                return False
            self._begin = new = begin
        if self._end is None:
            end = text.find(b'"', new)
            if end < 0:
                return True
            self._end = end
        return len(text) - (self._end - self._begin) <= LARGE


def _begins_a_chunk(text: bytearray, begin: int) -> bool:
    """Whether the string that begins there is the value of a key that may mean ``chunk``."""
    before = bytes(text[: max(begin - 1, 0)]).rstrip(_WHITESPACE)
    key_end = before[:-1].rstrip(_WHITESPACE)
    if not before.endswith(b":") or not key_end.endswith(b'"'):
        return False
    key = key_end[key_end.rfind(b'"', 0, -1) + 1 : -1]
    return key == _CHUNK or b"\\" in key  # written with escapes it may be anything
