"""Reads a client's frames and joins their fragments into messages. Pure.

Input arrives in pieces of any size. An incomplete payload is unmasked as it arrives, and text is
also checked, so that the end of a long message costs no more than its last piece.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from vivavoce.server.websocket.frames import INVALID_DATA, FrameError, Head, Opcode, read_head
from vivavoce.server.websocket.masking import MASK_SIZE, apply_mask
from vivavoce.server.websocket.utf8 import Utf8Check


class Frame(NamedTuple):
    """A frame that has been read.

    Attributes:
        opcode: `TEXT` and `BINARY` denote whole messages, joined from their fragments;
            `CONTINUATION` denotes a fragment after which the message is still incomplete.
        payload: the payload; empty for such a fragment. Text in a ``bytearray`` is valid UTF-8,
            text in ``bytes`` is not checked. Only the beginning of a text that the filter refused.
    """

    opcode: Opcode
    payload: bytes | bytearray


TextFilter = Callable[[bytearray, int], bool]
"""Returns whether to continue with a text, given the bytes so far and the newest bytes' offset."""

FRAGMENT: Final = Frame(Opcode.CONTINUATION, b"")


def _no_filter() -> None:
    """Every text is read to its end."""


class MessageReader:
    """Parses received bytes into frames, one at a time.

    Args:
        max_size: bytes of the longest message, all fragments together.
        text_filter: returns the filter of a text that arrives in pieces, or None. After the
            filter has refused a text, the rest of the text is dropped as it arrives.

    Attributes:
        idle: whether no bytes are unread, and no frame or message is incomplete.
        messages: number of data messages read completely so far.
        received: bytes received so far.
    """

    def __init__(
        self, max_size: int, text_filter: Callable[[], TextFilter | None] = _no_filter
    ) -> None:
        self.max_size = max_size
        self._text_filter = text_filter
        self.idle = True
        self.messages = 0
        self.received = 0
        self._input = b""
        self._at = 0
        self._head: Head | None = None  # of the data frame whose payload is arriving
        self._mask = b""
        self._missing = 0
        self._message = bytearray()
        self._size = 0  # of the fragments that are complete
        self._kind: Opcode | None = None  # of the message that is in fragments
        self._utf8: Utf8Check | None = None  # of the text that arrives in pieces
        self._filter: TextFilter | None = None  # of the same text
        self._refused = False  # by it
        self._discarding = False

    @property
    def unread(self) -> bool:
        """Whether there are bytes that ``next`` has not read, or that are incomplete alone."""
        return self._at < len(self._input)

    @property
    def fragmented(self) -> bool:
        """Whether the last fragment of a message has not arrived."""
        return self._kind is not None

    @property
    def held(self) -> int:
        """Buffered bytes of incomplete frames and messages."""
        return len(self._input) - self._at + len(self._message)

    def feed(self, data: bytes) -> None:
        """Receive bytes."""
        self.received += len(data)
        self._input = self._input[self._at :] + data if self.unread else data
        self._at = 0
        self.idle = False

    def discard_messages(self) -> None:
        """From now on check all frames, but drop the payloads of data frames."""
        self._discarding = True
        self._message = bytearray()

    def clear(self) -> None:
        """Free all buffered bytes; bytes received afterwards cannot be parsed."""
        self._input, self._at = b"", 0
        self._message = bytearray()
        self._head, self._kind = None, None
        self._text_filter, self._filter = _no_filter, None

    def next(self) -> Frame | None:
        """Read the next frame; None until more bytes arrive.

        Raises:
            FrameError: the client violated the protocol. The reader cannot continue.
        """
        frame = self._next()
        if frame is None and not self.unread:
            self._input, self._at = b"", 0
            self.idle = self._head is None and self._kind is None
        return frame

    def _next(self) -> Frame | None:
        if self._head is not None:
            return self._read_payload(self._head)
        most = self.max_size - self._size
        head = read_head(self._input, self._at, most, fragmented=self.fragmented)
        if head is None:
            return None
        if head.opcode >= Opcode.CLOSE:
            return self._read_control(head)
        self._at += head.length
        if head.final and self._kind is None and self._whole(head.size):
            self.messages += 1
            return Frame(head.opcode, self._take(head.size, head.mask))
        self._head, self._mask, self._missing = head, head.mask, head.size
        if head.opcode is Opcode.TEXT:
            self._utf8 = Utf8Check()
            self._filter = self._text_filter()
        return self._read_payload(head)

    def _whole(self, size: int) -> bool:
        return len(self._input) - self._at >= size

    def _read_control(self, head: Head) -> Frame | None:
        """Read a control frame; it is short, and stays in the input until it is complete."""
        if len(self._input) - self._at < head.length + head.size:
            return None
        begin = self._at + head.length
        self._at = begin + head.size
        return Frame(head.opcode, apply_mask(self._input[begin : self._at], head.mask))

    def _read_payload(self, head: Head) -> Frame | None:
        size = min(self._missing, len(self._input) - self._at)
        piece = self._take(size, self._mask)
        if not self._discarding and not self._refused:
            self._keep(piece)
        self._missing -= size
        if self._missing:
            turn = size % MASK_SIZE
            self._mask = self._mask[turn:] + self._mask[:turn]
            return None
        self._head = None
        return self._end_of_frame(head)

    def _keep(self, piece: bytes) -> None:
        if self._utf8 is not None and not self._utf8.feed(piece):
            self._message = bytearray()  # invalid: reported at its end, nothing is kept until then
            return
        begin = len(self._message)
        self._message += piece
        if self._filter is not None and not self._filter(self._message, begin):
            self._refused, self._utf8 = True, None

    def _take(self, size: int, mask: bytes) -> bytes:
        begin = self._at
        self._at = begin + size
        if self._discarding or self._refused:
            return b""
        return apply_mask(memoryview(self._input)[begin : self._at], mask)

    def _end_of_frame(self, head: Head) -> Frame:
        kind = head.opcode if self._kind is None else self._kind
        if not head.final:
            self._kind = kind
            self._size += head.size
            return FRAGMENT
        message, self._message = self._message, bytearray()
        utf8, self._utf8 = self._utf8, None
        self._filter, self._refused = None, False
        self._kind, self._size = None, 0
        if utf8 is not None and not self._discarding and (fault := utf8.finish()):
            raise FrameError(INVALID_DATA, fault)
        self.messages += 1
        return Frame(kind, message)
