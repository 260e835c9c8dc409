"""The WebSocket frame format (RFC 6455 §5.2): check heads, unmask payloads, build texts. Pure.

The two most frequent kinds of frames, whole binary messages received and whole texts sent, have
separate functions. ``message_reader`` reads everything else.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from vivavoce.server.websocket.masking import MASK_SIZE, apply_mask

PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
MESSAGE_TOO_BIG: Final = 1009

_CONTROL_PAYLOAD: Final = 125
_WHOLE_BINARY: Final = 0x82
_WHOLE_TEXT: Final = 0x81
_WHOLE_CLOSE: Final = 0x88
_WHOLE_PING: Final = 0x89
_WHOLE_PONG: Final = 0x8A
_MASKED: Final = 0x80
_FIN: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_CONTROL: Final = 0x08
_SHORTEST: Final = 2
_EXTENDED_16: Final = 126
_WIDTHS: Final = {_EXTENDED_16: 2, 127: 8}


class Opcode(IntEnum):
    """The frames that RFC 6455 defines."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_OPCODES: Final = {opcode.value: opcode for opcode in Opcode}


class FrameError(Exception):
    """The peer violated the frame format or a limit.

    Attributes:
        code: the close code for the violation.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Head(NamedTuple):
    """The header of a frame.

    Attributes:
        size: bytes of payload.
        mask: the client's mask.
        length: bytes of the head itself.
    """

    opcode: Opcode
    final: bool
    size: int
    mask: bytes
    length: int


def read_head(data: bytes, at: int, most: int, *, fragmented: bool) -> Head | None:
    """Read the head of a client's frame as soon as it is complete.

    An invalid frame is refused as soon as its head shows it, before its payload has arrived.

    Args:
        data: received bytes.
        at: offset of the frame in them.
        most: maximum bytes of its payload.
        fragmented: whether the previous frames left a message incomplete.

    Raises:
        FrameError: the frame is invalid here or too long.
    """
    available = len(data) - at
    if available < _SHORTEST:
        return None
    first, second = data[at], data[at + 1]
    opcode = _OPCODES.get(first & _OPCODE)
    if opcode is None:
        raise FrameError(PROTOCOL_ERROR, "invalid opcode")
    if second < _MASKED:
        raise FrameError(PROTOCOL_ERROR, "incorrect masking")
    size, length = second & ~_MASKED, _SHORTEST
    if size >= _EXTENDED_16:
        length += _WIDTHS[size]
        if available < length:
            return None
        size = int.from_bytes(data[at + _SHORTEST : at + length], "big")
    _check(first, opcode, size, most, fragmented=fragmented)
    length += MASK_SIZE
    if available < length:
        return None
    mask = data[at + length - MASK_SIZE : at + length]
    return Head(opcode, first >= _FIN, size, mask, length)


def _check(first: int, opcode: Opcode, size: int, most: int, *, fragmented: bool) -> None:
    if size > most:
        raise FrameError(MESSAGE_TOO_BIG, f"more than {most} bytes")
    if first & _RESERVED:
        raise FrameError(PROTOCOL_ERROR, "reserved bits must be 0")
    if opcode >= _CONTROL:
        if size > _CONTROL_PAYLOAD:
            raise FrameError(PROTOCOL_ERROR, "control frame too long")
        if first < _FIN:
            raise FrameError(PROTOCOL_ERROR, "fragmented control frame")
    elif opcode is Opcode.CONTINUATION:
        if not fragmented:
            raise FrameError(PROTOCOL_ERROR, "unexpected continuation frame")
    elif fragmented:
        raise FrameError(PROTOCOL_ERROR, "expected a continuation frame")


def binary_message(frame: bytes, most: int) -> bytes | None:
    """Return the message in a client's bytes if they are exactly one whole binary frame.

    Return None otherwise, also for a payload of more than ``most`` bytes.
    """
    length = len(frame)
    if length < _SHORTEST + MASK_SIZE or frame[0] != _WHOLE_BINARY or frame[1] < _MASKED:
        return None
    size, begin = frame[1] - _MASKED, _SHORTEST + MASK_SIZE
    if size >= _EXTENDED_16:
        begin += _WIDTHS[size]
        size = int.from_bytes(frame[_SHORTEST : begin - MASK_SIZE], "big")
    if length != begin + size or size > most:
        return None
    return apply_mask(frame[begin:], frame[begin - MASK_SIZE : begin])


def text_frame(text: bytes) -> bytes:
    """Build an unmasked frame with a whole text in UTF-8."""
    size = len(text)
    if size < _EXTENDED_16:
        return bytes((_WHOLE_TEXT, size)) + text
    if size < 1 << 16:
        return bytes((_WHOLE_TEXT, _EXTENDED_16)) + size.to_bytes(2, "big") + text
    return bytes((_WHOLE_TEXT, 127)) + size.to_bytes(8, "big") + text


def ping_frame(payload: bytes) -> bytes:
    """Build a ping; its payload has at most 125 bytes."""
    return bytes((_WHOLE_PING, len(payload))) + payload


def pong_frame(payload: bytes) -> bytes:
    """Build the answer to a ping."""
    return bytes((_WHOLE_PONG, len(payload))) + payload


def client_close_frame(payload: bytes) -> bytes:
    """Build a client's close frame, because the library reads frames and not payloads."""
    return bytes((_WHOLE_CLOSE, _MASKED | len(payload))) + bytes(MASK_SIZE) + payload
