"""Resamples any declared rate to 16 kHz; the output is a pure function of the input.

A soxr stream returns the same samples however its input is split, but its state cannot be saved.
To continue exactly after a crash, the stream is replaced at fixed positions: input is cut into
segments, each resampled by its own stream, which starts ``OVERLAP_SECONDS`` early and whose
output is trimmed to the segment. A restart at a segment boundary builds the same stream from the
same bytes, so it returns bit-identical samples. Decision and figures:
docs/decisions/0002-resampling.md.
"""

from collections import deque
from typing import Final, NamedTuple, Protocol

import numpy as np
import soxr

from vivavoce.audio.samples import Frames

TARGET_RATE: Final = 16_000
"""Input sample rate of every model."""

SEGMENT_SECONDS: Final = 10
"""Input covered by one stream: a restart resamples at most this much again, and each new stream
costs OVERLAP_SECONDS."""

OVERLAP_SECONDS: Final = 0.2
"""Lead-in of a stream: longer than the longest filter, and a whole number of frames and of output
samples at every rate."""

SEGMENT_SAMPLES: Final = SEGMENT_SECONDS * TARGET_RATE
_OVERLAP_SAMPLES: Final = round(OVERLAP_SECONDS * TARGET_RATE)


class Resampler(Protocol):
    """Converts frames at one rate to frames at 16 kHz."""

    def feed(self, frames: Frames) -> Frames:
        """Feed frames shaped [n, channels] and return the output ready so far, [m, channels]."""

    def finish(self) -> Frames:
        """Return the output held back for later input; the resampler cannot be used afterwards."""


class Restart(NamedTuple):
    """How to reproduce the output from a given sample on.

    Attributes:
        segment: the segment to build the resampler with.
        frame: the first input frame to feed it.
        discard: number of its first output samples that precede the wanted one.
    """

    segment: int
    frame: int
    discard: int


def restart_at(rate: int, sample: int) -> Restart:
    """Return how to restart a resampler so that its output continues at ``sample`` (at 16 kHz)."""
    if rate == TARGET_RATE:
        return Restart(segment=0, frame=sample, discard=0)
    segment, discard = divmod(sample, SEGMENT_SAMPLES)
    return Restart(segment, _first_frame(rate, segment), discard)


def make_resampler(rate: int, channels: int, *, segment: int = 0) -> Resampler:
    """Build a resampler for a session's start or for the segment ``restart_at`` returns."""
    if rate == TARGET_RATE:
        return _Untouched(channels)
    return _SegmentedResampler(rate, channels, segment)


def _first_frame(rate: int, segment: int) -> int:
    return max(0, segment * SEGMENT_SECONDS * rate - round(OVERLAP_SECONDS * rate))


class _Untouched:
    """Passes 16 kHz through unchanged."""

    def __init__(self, channels: int) -> None:
        self._nothing = np.empty((0, channels), np.float32)

    def feed(self, frames: Frames) -> Frames:
        return frames

    def finish(self) -> Frames:
        return self._nothing


class _Segment:
    """One soxr stream and the part of its output that belongs to the segment."""

    def __init__(self, rate: int, channels: int, index: int) -> None:
        # Variable-rate mode at a fixed rate filters in the time domain instead of in blocks of
        # a Fourier transform, so it holds back half as much (8 kHz: 30 ms, not 12 to 115).
        self._stream = soxr.ResampleStream(rate, TARGET_RATE, channels, dtype="float32", vr=True)
        self._skip = _OVERLAP_SAMPLES if index else 0
        self._wanted = SEGMENT_SAMPLES
        self.ready: list[Frames] = []

    @property
    def complete(self) -> bool:
        return self._wanted == 0

    def feed(self, frames: Frames) -> None:
        if self.complete:
            return
        made = self._stream.resample_chunk(frames)
        skipped = min(self._skip, len(made))
        self._skip -= skipped
        kept = made[skipped : skipped + self._wanted]
        self._wanted -= len(kept)
        self.ready.append(kept)


class _SegmentedResampler:
    """Feeds one stream, or two where segments meet, and joins their output."""

    def __init__(self, rate: int, channels: int, segment: int) -> None:
        self._rate = rate
        self._channels = channels
        self._next = segment
        self._frame = _first_frame(rate, segment)
        self._sample = segment * SEGMENT_SAMPLES
        self._segments: deque[_Segment] = deque()

    def feed(self, frames: Frames) -> Frames:
        while len(frames):
            until_next = _first_frame(self._rate, self._next) - self._frame
            if until_next == 0:
                self._segments.append(_Segment(self._rate, self._channels, self._next))
                self._next += 1
                continue
            piece, frames = frames[:until_next], frames[until_next:]
            self._frame += len(piece)
            for segment in self._segments:
                segment.feed(piece)
        return self._collect()

    def finish(self) -> Frames:
        """Flush the last samples with silence, and keep as many as the input was long."""
        missing = self._frame * TARGET_RATE // self._rate - self._sample
        silence = round(OVERLAP_SECONDS * self._rate)
        return self.feed(np.zeros((silence, self._channels), np.float32))[:missing]

    def _collect(self) -> Frames:
        """Collect ready output in order: a later segment waits for the earlier to complete."""
        ready = [np.empty((0, self._channels), np.float32)]
        while self._segments:
            ready += self._segments[0].ready
            self._segments[0].ready.clear()
            if not self._segments[0].complete:
                break
            self._segments.popleft()
        joined = np.concatenate(ready)
        self._sample += len(joined)
        return joined
