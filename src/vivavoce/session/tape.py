"""Recent samples of one channel that may still be decoded."""

BYTES = 4
"""Bytes per float32 sample."""


class Tape:
    """Buffer of samples, addressed by position; old samples are discarded on request."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._audio = bytearray()

    @property
    def end(self) -> int:
        """The position after the last sample."""
        return self._start + len(self._audio) // BYTES

    def add(self, samples: bytes) -> None:
        """Append float32 samples."""
        self._audio += samples

    def span(self, start: int, end: int) -> bytes:
        """Return samples ``[start, end)`` as float32 bytes.

        Raises:
            IndexError: some of them are discarded or have not arrived yet.
        """
        if not self._start <= start <= end <= self.end:
            raise IndexError(f"[{start}, {end}) is not within [{self._start}, {self.end})")
        return bytes(self._audio[(start - self._start) * BYTES : (end - self._start) * BYTES])

    def forget(self, before: int) -> None:
        """Discard the samples before a position."""
        count = min(before, self.end) - self._start
        if count > 0:
            del self._audio[: count * BYTES]
            self._start += count
