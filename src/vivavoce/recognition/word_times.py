"""Refinement of approximate word times with the loudness of the audio.

Attention locates words to about 0.1 s; the audio shows where sound begins and ends, to 10 ms. A
word that starts in silence is moved to the next sound, a word that ends within a sound is extended
to the end of the sound, and words do not overlap.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Span = tuple[int, int]

STEP = 160
"""Samples per loudness frame (10 ms)."""

_RANGE_DB = 35.0
"""Frames quieter than the loud parts by this much are silence."""
_NOISE_DB = 10.0
"""Frames within this distance of the noise floor are silence too, …"""
_LEAST_RANGE_DB = 10.0
"""… except those within this distance of the loud parts: with few pauses the floor is too high."""
_DIGITAL_SILENCE_DB = -85.0
"""Frames below this level, as in muted or joined recordings, say nothing about the noise."""
_QUIET_FRAMES = 10
"""Number of the quietest frames from which the noise floor is estimated."""
_BRIDGED = 4
"""Longest gap within a sound, in frames, such as the closure of a stop consonant."""


def loudness(audio: Floats) -> Floats:
    """Return the level of every 10 ms in dB (full scale 0), ``[ceil(samples / 160)]``."""
    padded = np.pad(audio, (0, -len(audio) % STEP)).reshape(-1, STEP)
    level: Floats = 10 * np.log10(np.square(padded).mean(axis=1) + 1e-10)
    return level


def sounding(level: Floats) -> Bools:
    """Return whether each frame of :func:`loudness` is sound rather than silence."""
    recorded = level[level > _DIGITAL_SILENCE_DB]
    if not len(recorded):
        return np.zeros(len(level), np.bool_)
    loud, floor = float(np.percentile(recorded, 95)), _noise_floor(recorded)
    threshold = max(loud - _RANGE_DB, min(floor + _NOISE_DB, loud - _LEAST_RANGE_DB))
    sound = level > threshold
    at = np.flatnonzero(sound)
    for before, after in pairwise(at):
        if after - before <= _BRIDGED:
            sound[before:after] = True
    return sound


def _noise_floor(level: Floats) -> float:
    """Return the mean of the quietest frames, which even tightly cut speech contains."""
    quietest = np.sort(level)[:_QUIET_FRAMES]
    return float(quietest.mean())


def fit_to_sound(spans: list[Span], audio: Floats) -> list[Span]:
    """Fit approximate word spans (samples, in order) to the sound.

    Returns:
        Spans inside the audio, in order, without overlaps, none empty.

    Raises:
        ValueError: there are more words than samples.
    """
    if len(spans) > len(audio):
        raise ValueError(f"{len(spans)} words do not fit {len(audio)} samples")
    if not spans:
        return []
    sound = sounding(loudness(audio))
    trimmed = [_trim(span, sound) for span in spans]
    starts = [start for start, _ in trimmed]
    fitted: list[Span] = []
    for (start, end), next_start in zip(trimmed, [*starts[1:], len(sound)], strict=True):
        before = fitted[-1][1] if fitted else 0
        fitted.append((_back(start, before, sound), _forward(end, next_start, sound)))
    return _separate([(start * STEP, end * STEP) for start, end in fitted], len(audio))


def _trim(span: Span, sound: Bools) -> Span:
    """Return the span in frames, without the silence at its ends."""
    first = min(max(span[0] // STEP, 0), len(sound) - 1)
    last = min(max(span[1] // STEP, first + 1), len(sound))
    heard = np.flatnonzero(sound[first:last])
    if not len(heard):
        return first, last
    return first + int(heard[0]), first + int(heard[-1]) + 1


def _back(start: int, limit: int, sound: Bools) -> int:
    """Move a start within a sound to the beginning of the sound."""
    while start > limit and sound[start] and sound[start - 1]:
        start -= 1
    return start


def _forward(end: int, limit: int, sound: Bools) -> int:
    """Move an end within a sound to the end of the sound."""
    while end < limit and sound[end] and sound[end - 1]:
        end += 1
    return end


def _separate(spans: list[Span], samples: int) -> list[Span]:
    """Make spans ordered, disjoint and not empty, with the smallest moves."""
    least = min(STEP, samples // max(len(spans), 1))
    separate: list[Span] = []
    free = 0
    for index, (start, end) in enumerate(spans):
        room = samples - least * (len(spans) - index - 1)  # leaves space for the later words
        begin = min(max(start, free), room - least)
        free = min(max(end, begin + least), room)
        separate.append((begin, free))
    return separate
