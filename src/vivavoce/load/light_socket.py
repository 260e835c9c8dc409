"""A minimal WebSocket client for load tests: it sends prepared frames and reads short messages.

A thousand sockets of the real client would use more of the machine than the measured server.
This client sends frames encoded in advance and decodes only the data that is counted.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import SplitResult

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_LAST: Final = 0x80
_MASKED: Final = 0x80
_SHORT, _MIDDLE = 126, 127
_SWITCHING: Final = b"HTTP/1.1 101"
_HEAD_END: Final = b"\r\n\r\n"


class HandshakeError(Exception):
    """The server refused the handshake; the text is the first line of its response."""


def frame(kind: int, payload: bytes) -> bytes:
    """Encode a complete client frame, masked as RFC 6455 requires."""
    size = len(payload)
    if size < _SHORT:
        head = bytes((_LAST | kind, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_LAST | kind, _MASKED | _SHORT)) + size.to_bytes(2, "big")
    else:
        head = bytes((_LAST | kind, _MASKED | _MIDDLE)) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    wide = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ wide).to_bytes(size, "big")
    return head + mask + masked


def unframed(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Split ``data`` into complete server frames (kind, payload) and the remaining bytes."""
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while end - at >= 2:  # noqa: PLR2004  kind and length
        size, start = data[at + 1] & 0x7F, at + 2
        if size >= _SHORT:
            width = 2 if size == _SHORT else 8
            if end < start + width:
                break
            size, start = int.from_bytes(data[start : start + width], "big"), start + width
        if end < start + size:
            break
        found.append((data[at] & 0x0F, data[start : start + size]))
        at = start + size
    return found, data[at:]


class LightSocket(asyncio.Protocol):
    """One connection, from its handshake to its end.

    Args:
        address: the session's ``ws`` or ``wss`` address.
        take: called with every text message.

    Attributes:
        opened: done once messages may be sent.
        closed: done at the end, with the close code, or None without a close frame.
    """

    def __init__(self, address: SplitResult, take: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self._address = address
        self._take = take
        self._left = b""
        self._code: int | None = None
        self._transport: asyncio.WriteTransport | None = None
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int | None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake request."""
        # Not checked: uvloop's transports are not a subclass.
        self._transport = cast("asyncio.WriteTransport", transport)
        path = self._address.path + (f"?{self._address.query}" if self._address.query else "")
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET {path} HTTP/1.1",
            f"Host: {self._address.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        )
        self._transport.write("\r\n".join((*head, "", "")).encode())

    def send(self, data: bytes) -> None:
        """Send a frame; a connection that is already closed is not an error here."""
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Process received bytes."""
        self._left += data
        if not self.opened.done():
            self._shake_hands()
        if self.opened.done() and not self.opened.exception():
            frames, self._left = unframed(self._left)
            for kind, payload in frames:
                self._receive(kind, payload)

    def _shake_hands(self) -> None:
        head, found, rest = self._left.partition(_HEAD_END)
        if not found:
            return
        if head.startswith(_SWITCHING):
            self._left = rest
            self.opened.set_result(None)
        else:
            self.opened.set_exception(HandshakeError(head.split(b"\r\n")[0].decode("latin-1")))

    def _receive(self, kind: int, payload: bytes) -> None:
        if kind == TEXT:
            self._take(payload)
        elif kind == PING:
            self.send(frame(PONG, payload))
        elif kind == CLOSE:
            self._code = int.from_bytes(payload[:2], "big") if payload else None
            self.send(frame(CLOSE, payload[:2]))
            if self._transport is not None:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Resolve the futures when the connection has ended."""
        self._transport = None
        if not self.opened.done():
            self.opened.set_exception(HandshakeError(str(exc or "the server hung up")))
        if not self.closed.done():
            self.closed.set_result(self._code)
