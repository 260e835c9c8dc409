"""WebSocket frames as bytes (RFC 6455 §5.2): cut apart, and the two kinds that are many.

The full protocol is the library's. It costs some thirty calls a frame, and an hour of audio has
36,000 of them: what is a whole binary message, or a whole text, is read and written here.
"""

from collections.abc import Iterator
from typing import Final

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # in C where there is one

WHOLE_BINARY: Final = 0x82
WHOLE_TEXT: Final = 0x81
_MASKED: Final = 0x80
_MASK: Final = 4
_SHORTEST: Final = 2
_LONG: Final = 126
_WIDTHS: Final = {_LONG: 2, 127: 8}


class Frames:
    """Cuts what comes into whole frames.

    Args:
        most: bytes of the longest frame. One that says it is longer is handed out as it comes,
            and so is all that follows: whoever reads it refuses it by its head.

    Attributes:
        hopeless: there was one too long.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._part = bytearray()
        self._wanted = 0
        self.hopeless = False

    @property
    def whole(self) -> bool:
        """Whether all that came so far were whole frames."""
        return not self._part and not self.hopeless

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that this completes."""
        if self._part:
            self._part += data
            if len(self._part) < self._wanted:
                return
            data = bytes(self._part)
            self._part.clear()
        at = 0
        while at < len(data):
            size = self._size(data, at)
            if at + size > len(data):
                self._part += data[at:]
                self._wanted = size
                return
            yield data[at : at + size] if size < len(data) else data
            at += size

    def _size(self, data: bytes, at: int) -> int:
        """Bytes of the frame that begins there, as far as can be told: at least so many."""
        left = len(data) - at
        if self.hopeless or left < _SHORTEST:
            return left if self.hopeless else _SHORTEST
        second = data[at + 1]
        payload, head = second & ~_MASKED, _SHORTEST
        if width := _WIDTHS.get(payload):
            head += width
            if left < head:
                return head
            payload = int.from_bytes(data[at + _SHORTEST : at + head], "big")
        if payload > self._most:
            self.hopeless = True
            return left
        return head + (_MASK if second & _MASKED else 0) + payload


def binary_message(frame: bytes) -> bytes | None:
    """What is carried by a client's bytes, if they are one whole binary message and no more."""
    if len(frame) < _SHORTEST + _MASK or frame[0] != WHOLE_BINARY or frame[1] < _MASKED:
        return None
    size, begin = frame[1] - _MASKED, _SHORTEST + _MASK
    if size >= _LONG:
        begin += _WIDTHS[size]
        size = int.from_bytes(frame[_SHORTEST : begin - _MASK], "big")
    if len(frame) != begin + size:
        return None
    unmasked: bytes = apply_mask(frame[begin:], frame[begin - _MASK : begin])
    return unmasked


def text_frame(text: bytes) -> bytes:
    """A server's frame with a whole text in UTF-8."""
    size = len(text)
    if size < _LONG:
        return bytes((WHOLE_TEXT, size)) + text
    if size < 1 << 16:
        return bytes((WHOLE_TEXT, _LONG)) + size.to_bytes(2, "big") + text
    return bytes((WHOLE_TEXT, 127)) + size.to_bytes(8, "big") + text
