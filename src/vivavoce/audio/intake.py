"""A session's bytes to samples at 16 kHz: headers, split samples, encodings and sample rates.

The samples do not depend on how the bytes are split, and an intake can continue the work of
another exactly (``Intake.resume``).
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.format import AudioFormat
from vivavoce.audio.resampler import (
    make_resampler,
    restart_at,
)
from vivavoce.audio.samples import Frames, SampleDecoder
from vivavoce.audio.wav_header import HeaderReader

Samples = NDArray[np.float32]
"""Samples at 16 kHz in [-1, 1], shaped [channels, samples]."""


class Intake:
    """Converts a session's bytes to samples, in order.

    Args:
        audio: the declared format.
        inspect: called with the bytes as they arrive, without their header.

    Attributes:
        position: the next byte to feed, counted from the session's first byte.
        sample: the next sample at 16 kHz, counted from the session's start.
    """

    def __init__(
        self, audio: AudioFormat, inspect: Callable[[bytes], None] = lambda _: None
    ) -> None:
        self.position = 0
        self.sample = 0
        self._inspect = inspect
        self._format = audio
        self._header = HeaderReader(audio)
        self._decoder = SampleDecoder(audio)
        self._resampler = make_resampler(audio.sample_rate, audio.channels)
        self._discard = 0

    @classmethod
    def resume(cls, audio: AudioFormat, *, header_bytes: int | None, sample: int) -> Self:
        """Build an intake whose next sample is ``sample``, as if it had processed all before.

        The caller feeds it the session's stored bytes from its ``position`` on.

        Args:
            audio: the declared format.
            header_bytes: ``header_bytes`` of an earlier intake; ``None`` while undecided.
            sample: position at 16 kHz.

        Raises:
            ValueError: for a position after the start whose header is undecided.
        """
        intake = cls(audio)
        if header_bytes is None:
            if sample:
                raise ValueError("there are no samples before the header is decided")
            return intake
        intake._start_at(header_bytes, sample)
        return intake

    def _start_at(self, header_bytes: int, sample: int) -> None:
        rate, channels = self._format.sample_rate, self._format.channels
        segment, frame, self._discard = restart_at(rate, sample)
        self.position = header_bytes + frame * self._format.frame_bytes
        self.sample = sample
        self._header = HeaderReader(self._format, size=header_bytes)
        self._resampler = make_resampler(rate, channels, segment=segment)

    @property
    def header_bytes(self) -> int | None:
        """Bytes of the WAV header (0 for raw audio); ``None`` while undecided."""
        return self._header.size

    def feed(self, data: bytes) -> Samples:
        """Process the session's next bytes.

        Returns:
            The samples available so far, shaped [channels, samples], contiguous.

        Raises:
            AudioFormatError: if a WAV header is unreadable or disagrees with the declaration.
        """
        self.position += len(data)
        audio = self._header.feed(data)
        self._inspect(audio)
        frames = self._decoder.feed(audio)
        return self._give(self._resampler.feed(frames))

    def finish(self) -> Samples:
        """Return the last samples of a session that ended; an incomplete last frame is dropped."""
        frames = self._decoder.feed(self._header.finish())
        last = self._resampler.feed(frames)
        return np.concatenate((self._give(last), self._give(self._resampler.finish())), axis=1)

    def _give(self, frames: Frames) -> Samples:
        discarded = min(self._discard, len(frames))
        self._discard -= discarded
        kept = frames[discarded:]
        self.sample += len(kept)
        return np.ascontiguousarray(kept.T)


def time_range(
    audio: AudioFormat, *, header_bytes: int, byte_range: tuple[int, int]
) -> tuple[float, float]:
    """Return the seconds from session start that a range of the session's bytes covers.

    Args:
        audio: the declared format.
        header_bytes: bytes of the WAV header, which take no time.
        byte_range: start and end, counted from the session's first byte.
    """
    start, end = byte_range
    rate = audio.bytes_per_second
    return max(0, start - header_bytes) / rate, max(0, end - header_bytes) / rate
