"""The recent samples of one channel: as much as may still be decoded."""

BYTES = 4
"""Of one float32 sample."""


class Tape:
    """Samples by position; the front is cut off as it is no longer wanted."""

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
        """Samples ``[start, end)``.

        Raises:
            IndexError: some of them are gone or have not come yet.
        """
        if not self._start <= start <= end <= self.end:
            raise IndexError(f"[{start}, {end}) is not within [{self._start}, {self.end})")
        return bytes(self._audio[(start - self._start) * BYTES : (end - self._start) * BYTES])

    def forget(self, before: int) -> None:
        """Let samples before a position go."""
        count = min(before, self.end) - self._start
        if count > 0:
            del self._audio[: count * BYTES]
            self._start += count
