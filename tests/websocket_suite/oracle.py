"""The oracle: the websockets library's own server protocol, with the limits of our server."""

import logging
from collections.abc import Iterable

from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from websocket_suite.outcome import Outcome, read_output

QUIET = logging.getLogger("websocket_suite.quiet")
QUIET.setLevel(logging.CRITICAL)


class Library:
    """One connection of the library's server, which does as its asyncio server does."""

    def __init__(self, max_size: int) -> None:
        self._protocol = ServerProtocol(max_size=max_size, logger=QUIET)
        self._outcome = Outcome()
        self._written = bytearray()
        self._parts: list[bytes] = []
        self._text = False

    def feed(self, data: bytes) -> None:
        """Receive bytes; those after the end of the connection count for nothing."""
        if self._outcome.ended:
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame):
                self._receive(event)
        for written in self._protocol.data_to_send():
            self._written += written
            self._outcome.ended |= not written

    def _receive(self, event: Frame) -> None:
        if event.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return
        if event.opcode is not Opcode.CONT:
            self._text = event.opcode is Opcode.TEXT
        self._parts.append(bytes(event.data))
        if not event.fin:
            return
        message, self._parts = b"".join(self._parts), []
        try:
            self._outcome.messages.append(message.decode() if self._text else message)
        except UnicodeDecodeError:
            # As websockets.asyncio does it where the application receives the message.
            try:
                self._protocol.fail(CloseCode.INVALID_DATA)
            except InvalidState:
                self._outcome.ended = True

    def outcome(self) -> Outcome:
        """The result so far."""
        if self._protocol.handshake_exc is not None:
            self._outcome.ended = True
        read_output(self._outcome, bytes(self._written))
        return self._outcome


def library_outcome(pieces: Iterable[bytes], max_size: int) -> Outcome:
    """What the library makes of a stream.

    The pieces must not end behind the frame that they bring to an end: an application sees one
    frame after the other.
    """
    library = Library(max_size)
    for piece in pieces:
        library.feed(piece)
    return library.outcome()


LONGEST_FILLING = 64 * 1024 * 1024
"""Bytes; a frame that lacks more is longer than any limit, and refused by its head."""


def completed(data: bytes) -> bytes:
    """A stream whose last frame, if it is cut off, is filled up with noughts to its end.

    We refuse a frame by its first two bytes; the library waits for some faults until all of it is
    in. This is what it has to be given to see them.
    """
    at = 0
    while len(data) - at >= 2:
        short = data[at + 1] & 0x7F
        width = {126: 2, 127: 8}.get(short, 0)
        known = data[at + 2 : at + 2 + width]
        size = int.from_bytes(known + (126).to_bytes(8, "big")[8 - width + len(known) :], "big")
        size = size if width else short
        end = at + 2 + width + (4 if data[at + 1] & 0x80 else 0) + size
        if end > len(data):
            filled = known + (126).to_bytes(8, "big")[8 - width + len(known) :] if width else b""
            begin = data[: at + 2] + filled
            rest = data[len(begin) :]
            missing = end - len(begin) - len(rest)
            return begin + rest + bytes(missing) if missing < LONGEST_FILLING else data
        at = end
    return data
