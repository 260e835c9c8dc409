"""Inspects a session's audio for samples that do not match the declared format.

The inspector examines a block of every eighth of a second until the format is certain (in
silence, one per second), then of one in 128. Its result changes nothing in the session: audio is
stored and transcribed as declared, and the sender receives a notice.
"""

from collections import deque
from typing import Final

import numpy as np

from vivavoce.audio.channel_layout import layout
from vivavoce.audio.compressed import compressed
from vivavoce.audio.findings import Finding, Kind
from vivavoce.audio.format import AudioFormat
from vivavoce.audio.readings import (
    READINGS,
    Reading,
    Values,
    declared_name,
    has_free_low_part,
    is_even,
    is_two_sided,
    read,
    roughness,
    shifted,
)
from vivavoce.audio.stillness import stillness

PERIOD_SECONDS: Final = 0.125
MOST_BLOCK_BYTES: Final = 16 * 1024
"""Bytes examined in a period."""

DENSE_PERIODS: Final = 240
"""Periods after which inspection becomes sparse, whether or not the format is certain."""

SPARSE_EVERY: Final = 128
"""Once inspection is sparse, one period in this many is examined."""

STILL_EVERY: Final = 8
"""In silence, one period in this many is examined."""

SURE: Final = 7
"""Votes for one reading among the last ``LAST_VOTES`` that make a finding."""
LAST_VOTES: Final = 8

SURE_OF_LAYOUT: Final = 14
"""The same for a channel count: with a wrong format, quiet parts resemble more channels."""
LAST_LAYOUTS: Final = 16

_CLEARLY: Final = 0.5
"""Another reading must have less than this fraction of the declared reading's roughness."""

_SMOOTH: Final = 0.3
_ROUGHEST: Final = 1.5
"""White noise has 1. Above it, pitch is so high that coarser readings alias it to a smooth tone."""

_ROUGH: Final = 0.5
_ALIGNMENT: Final = 24
"""Blocks begin at multiples of this many frames, so that samples of 1 to 8 bytes are aligned."""

_DECLARED: Final = "declared"


class SignalInspector:
    """Inspects a session's audio (without its WAV header) in order, in pieces of any size.

    Memory is bounded by one block, work by one block per period, or by one in ``SPARSE_EVERY``
    periods once the format is certain.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self._format = audio
        self._is_still = stillness(audio)
        unit = audio.frame_bytes * _ALIGNMENT
        self._period = _rounded(PERIOD_SECONDS * audio.bytes_per_second, unit)
        self._block = min(self._period, _rounded(MOST_BLOCK_BYTES, unit))
        self._held = bytearray()
        self._skip = 0
        self._dense = DENSE_PERIODS
        self._still_step = 1  # periods to the next block after silence
        self._votes: deque[str] = deque(maxlen=LAST_VOTES)
        self._layouts: deque[str] = deque(maxlen=LAST_LAYOUTS)
        name = declared_name(audio)
        self._declared = next(each for each in READINGS if each.name == name)
        others = tuple(each for each in READINGS if each.name != name)
        self._others = (*others, *shifted(audio))
        self._finding: Finding | None = None
        self._over = False

    def feed(self, audio: bytes) -> None:
        """Inspect the next bytes."""
        at = 0
        while at < len(audio) and not self._over:
            if self._skip:
                step = min(self._skip, len(audio) - at)
                self._skip -= step
            else:
                step = min(self._block - len(self._held), len(audio) - at)
                self._held += audio[at : at + step]
                if len(self._held) == self._block:
                    self._skip = self._period * self._look(bytes(self._held)) - self._block
                    self._held.clear()
            at += step

    def take_finding(self) -> Finding | None:
        """Return the finding once; a session has at most one."""
        found, self._finding = self._finding, None
        return found

    def _look(self, data: bytes) -> int:
        """Examine a block; return the number of periods to the next one.

        Silence carries no information: the longer it lasts, the fewer blocks are examined.
        """
        if self._is_still(data):
            self._still_step = min(2 * self._still_step, STILL_EVERY)
        else:
            self._still_step = 1
            self._examine(data)
            self._dense -= 1
        return self._still_step if self._dense > 0 else SPARSE_EVERY

    def _examine(self, data: bytes) -> None:
        frames = read(self._declared, data, self._format.channels)
        assert frames is not None  # noqa: S101  integers are always samples
        rough, _ = roughness(frames)
        if np.isinf(rough) or (self._certain and rough < _ROUGH):
            return
        if rough > _ROUGH and (name := compressed(data)):
            self._find(Finding("compressed", _compressed_text(name)))
            return
        best, least = self._smoothest(data)
        if best is not None and self._is_better(best, data, least, rough):
            if is_even(frames):
                self._vote_for(best)
            return
        if rough < _CLEARLY * least:
            self._vote(self._votes, _DECLARED)
        self._judge_layout(frames)

    @property
    def _certain(self) -> bool:
        """Return whether the declared format is confirmed and not contradicted since."""
        confirmed = self._votes.count(_DECLARED) == LAST_VOTES
        return confirmed and self._layouts.count(_DECLARED) == len(self._layouts)

    def _smoothest(self, data: bytes) -> tuple[Reading | None, float]:
        best, least = None, float("inf")
        for reading in self._others:
            frames = read(reading, data, self._format.channels)
            worst = float("inf") if frames is None else roughness(frames)[1]
            if worst < least and frames is not None and is_two_sided(frames):
                best, least = reading, worst
        return best, least

    def _is_better(self, reading: Reading, data: bytes, least: float, rough: float) -> bool:
        clearly = least < min(_SMOOTH, _CLEARLY * rough) and rough <= _ROUGHEST
        return clearly and has_free_low_part(reading, data, self._format.sample_bytes)

    def _vote_for(self, reading: Reading) -> None:
        self._layouts.clear()
        if self._vote(self._votes, reading.name) >= SURE:
            kind: Kind = "shifted" if reading.name == "shifted" else "format"
            what = f"{reading.sent}, not {self._declared.sent}"
            self._find(Finding(kind, f"the audio looks like {what}: {reading.advice}"))

    def _judge_layout(self, frames: Values) -> None:
        judged = layout(frames)
        if judged is not None and self._vote(self._layouts, judged) >= SURE_OF_LAYOUT:
            self._find(Finding("channels", _LAYOUT_TEXTS[judged]))

    def _vote(self, votes: deque[str], name: str) -> int:
        """Count a vote that may lead to a finding; return the number of votes for the same name."""
        votes.append(name)
        if name == _DECLARED:
            self._dense = 0 if self._certain else self._dense
            return 0
        self._dense = max(self._dense, 2 * LAST_LAYOUTS)
        return votes.count(name)

    def _find(self, finding: Finding) -> None:
        self._finding = finding
        self._over = True


_LAYOUT_TEXTS: Final = {
    "stereo": "the audio looks like two interleaved channels in a session of one:"
    " declare channels 2, or send one channel",
    "mono": "the audio looks like one channel in a session of two:"
    " declare channels 1, or interleave two channels",
}


def _compressed_text(name: str) -> str:
    return (
        f"the audio looks like {name}, which is not supported: decode it first and send PCM"
        ' samples (encoding "wav/pcm")'
    )


def _rounded(size: float, unit: int) -> int:
    """Round to a multiple of ``unit``, at least one."""
    return max(int(size) // unit, 1) * unit
