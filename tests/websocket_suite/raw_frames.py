"""Client frames and handshakes as raw bytes, valid and invalid (RFC 6455 §4, §5.2)."""

from typing import Final

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # in C where there is one

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN: Final = 0x80
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
MASKED: Final = 0x80
KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
MASK: Final = b"\x37\xfa\x21\x3d"

REQUEST_LINE: Final = "GET /v2/live?token=0 HTTP/1.1"
HEADERS: Final = (
    ("Host", "localhost"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
)


def head(first: int, size: int, *, masked: bool = True, width: int | None = None) -> bytes:
    """The first bytes of a frame up to its length.

    Args:
        first: FIN and reserved bits and the opcode.
        size: the payload's stated length.
        masked: whether the mask bit is set.
        width: bytes of the extended length, 0, 2 or 8; the shortest by default.
    """
    bit = MASKED if masked else 0
    if width is None:
        width = 0 if size < 126 else 2 if size < 1 << 16 else 8
    if width == 0:
        return bytes((first, bit | size))
    return bytes((first, bit | (126 if width == 2 else 127))) + size.to_bytes(width, "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    bits: int = 0,
    masked: bool = True,
    width: int | None = None,
    mask: bytes = MASK,
) -> bytes:
    """A whole frame."""
    first = (FIN if fin else 0) | bits | opcode
    begin = head(first, len(payload), masked=masked, width=width)
    return begin + (mask + bytes(apply_mask(payload, mask)) if masked else payload)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, (b"" if code is None else code.to_bytes(2, "big")) + reason)


def handshake(
    *changes: tuple[str, str | None],
    request_line: str = REQUEST_LINE,
    more: tuple[str, ...] = (),
    line_end: str = "\r\n",
) -> bytes:
    """An upgrade request.

    Args:
        changes: headers with another value; without one they are left out.
        request_line: its first line.
        more: further header lines as they are.
        line_end: what ends each line.
    """
    headers = dict(HEADERS) | dict(changes)
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return line_end.join((request_line, *lines, *more, "", "")).encode("latin-1")
