"""Splits the bytes of a connection into requests: complete heads, pieces of bodies, ends.

Sans-I/O: bytes in, events out, independent of how the bytes were split. The cost is linear in the
bytes, and the buffer is bounded: at most one head and the bytes of the last read.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.server.http.bounds import RequestBounds, malformed, too_large

_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?")


@dataclass(frozen=True, slots=True)
class Head:
    """A complete head, its blank line included; the reader waits for ``expect_body``."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of the body."""

    body: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The end of the request, trailers included; the reader waits for ``next_request``."""


Event = Head | Data | End
_Step = Callable[[], Event | None]


class RequestReader:
    """Reads one request after another; bytes after a request stay buffered."""

    def __init__(self, bounds: RequestBounds) -> None:
        self._bounds = bounds
        self._pending = bytearray()
        self._begin()

    def _begin(self) -> None:
        self._read: _Step = self._read_head
        self._searched = 0  # bytes of _pending already searched for the end
        self._framing = 0  # bytes of the request so far that are not its body
        self._lines = 0
        self._left = 0
        self.begun = False
        """Whether a byte of the head has arrived; line ends before a head do not count."""
        self.whole = False
        """Whether the request is complete."""

    @property
    def has_surplus(self) -> bool:
        """Whether bytes of a later request are buffered."""
        return self.whole and bool(self._pending)

    def receive(self, data: bytes) -> None:
        """Buffer received bytes."""
        self._pending += data

    def next_event(self) -> Event | None:
        """Return the next event, or None while more bytes or a decision are needed.

        Raises:
            RequestFault: the request violates its bounds or HTTP; the reader cannot continue.
        """
        return self._read()

    def expect_body(self, length: int | None) -> None:
        """Set the framing of the body: ``length`` bytes, or chunked if None."""
        self._left = length or 0
        self._read = self._read_chunk_size if length is None else self._read_counted

    def next_request(self) -> None:
        """Continue with the request after the completed one."""
        self._begin()

    def take_rest(self) -> bytes:
        """Remove and return the bytes after the last event."""
        rest = bytes(self._pending)
        self._pending.clear()
        return rest

    def _wait(self) -> None:
        """Return no event: the caller has to decide first."""

    def _read_head(self) -> Head | None:
        if not self.begun:
            self._skip_line_ends()
        found = _HEAD_END.search(self._pending, max(0, self._searched - 2))
        end = found.end() if found else len(self._pending)
        self._lines += self._pending.count(b"\n", self._searched, end)
        self._searched = end
        # The request line and the blank line are not header lines.
        self._check(self._framing + end, self._lines - 2)
        if not found:
            return None
        self._framing += end
        self._lines -= 2
        self._searched = 0
        self._read = self._wait
        return Head(self._cut(end))

    def _skip_line_ends(self) -> None:
        kept = self._pending.lstrip(b"\r\n")
        self._framing += len(self._pending) - len(kept)
        self._pending = kept
        self.begun = bool(kept)

    def _read_counted(self) -> Data | End | None:
        if not self._left:
            return self._end()
        return self._take_data()

    def _take_data(self) -> Data | None:
        if not self._pending:
            return None
        piece = self._cut(min(self._left, len(self._pending)))
        self._left -= len(piece)
        return Data(piece)

    def _read_chunk_size(self) -> Event | None:
        line = self._take_line()
        if line is None:
            return None
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise malformed("a chunk must begin with its size")
        self._left = int(size[1], 16)
        self._read = self._read_chunk if self._left else self._read_trailers
        return self._read()

    def _read_chunk(self) -> Event | None:
        if self._left:
            return self._take_data()
        if not b"\r\n".startswith(self._pending[:2]):
            raise malformed("a chunk must be as long as its size says")
        if len(self._pending) < 2:  # noqa: PLR2004  a line end
            return None
        self._framing += len(self._cut(2))
        self._check(self._framing, self._lines)
        self._read = self._read_chunk_size
        return self._read()

    def _read_trailers(self) -> End | None:
        """Count the trailers and drop them."""
        while (line := self._take_line()) is not None:
            if not line:
                return self._end()
            self._lines += 1
            self._check(self._framing, self._lines)
        return None

    def _end(self) -> End:
        self.whole = True
        self._read = self._wait
        return End()

    def _take_line(self) -> bytes | None:
        """Return the next line without its end; None while it is incomplete."""
        end = self._pending.find(b"\r\n", max(0, self._searched - 1))
        length = len(self._pending) if end < 0 else end + 2
        self._check(self._framing + length, self._lines)
        if end < 0:
            self._searched = length
            return None
        self._searched = 0
        self._framing += length
        return self._cut(length)[:-2]

    def _check(self, framing: int, lines: int) -> None:
        if framing > self._bounds.head_bytes or lines > self._bounds.head_lines:
            raise too_large(self._bounds)

    def _cut(self, length: int) -> bytes:
        taken = bytes(self._pending[:length])
        del self._pending[:length]
        return taken
