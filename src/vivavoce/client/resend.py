"""Buffers unacknowledged audio for resending."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

MAX_FRAME_BYTES = 512 * 1024
"""Longest binary frame that this client sends; common servers accept up to 1 MiB."""


class ResendBuffer:
    """Sent bytes from ``start`` to ``end``, positions counted from the session's first byte."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self.start = 0
        self.end = 0

    def __len__(self) -> int:
        return self.end - self.start

    def append(self, data: bytes) -> list[bytes]:
        """Append ``data`` to the buffer and return it as frames to send."""
        pieces = list(_split(data))
        self._pieces.extend(pieces)
        self.end += len(data)
        return pieces

    def acknowledge(self, position: int) -> None:
        """Drop everything before ``position``; an older position has no effect.

        Raises:
            ValueError: the position is beyond ``end``.
        """
        if position > self.end:
            raise ValueError(f"byte {position} was never sent, the last was {self.end}")
        while self.start < position:
            piece = self._pieces.popleft()
            kept = piece[position - self.start :]
            if kept:
                self._pieces.appendleft(kept)
            self.start += len(piece) - len(kept)

    def tail(self) -> list[bytes]:
        """Return all buffered audio in as few frames as possible."""
        return [frame for part in self.parts(()) for frame in part]

    def parts(self, positions: Sequence[int]) -> list[list[bytes]]:
        """Return all buffered audio, cut at ascending positions, in as few frames as possible.

        There is one more part than positions; positions before ``start`` make empty parts.
        """
        # Hours of small chunks are merged into a few large pieces, here and for the server.
        audio = memoryview(b"".join(self._pieces))
        cuts = [0, *(max(position - self.start, 0) for position in positions), len(audio)]
        parts = [list(_split(audio[begin:end])) for begin, end in pairwise(cuts)]
        self._pieces = deque(piece for part in parts for piece in part)
        return parts


def _split(data: bytes | memoryview) -> Iterator[bytes]:
    for begin in range(0, len(data), MAX_FRAME_BYTES):
        yield bytes(data[begin : begin + MAX_FRAME_BYTES])
