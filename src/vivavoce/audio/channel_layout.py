"""Estimates the number of interleaved channels from neighbouring samples."""

from typing import Final, Literal

import numpy as np

from vivavoce.audio.readings import LEAST_LEVEL, Values

Layout = Literal["declared", "stereo", "mono"]

_SILENT: Final = 1e-4
"""Highest energy of a silent channel relative to the other: -40 dB."""

_ALIKE: Final = 1e-6
_PAIRED: Final = 0.2
_INDEPENDENT: Final = 0.5
_LEAST_STEP: Final = 0.05
_BALANCED: Final = 0.7


def layout(frames: Values) -> Layout | None:
    """Classify frames of one or two declared channels; return None if undecided.

    Args:
        frames: samples shaped [frames, channels]; more than two channels are not classified.
    """
    channels = frames.shape[1]
    if channels > 2 or len(frames) < 4:  # noqa: PLR2004
        return None
    flat = frames.ravel()
    pairs = flat[: len(flat) // 2 * 2].reshape(-1, 2)
    levels = pairs.var(axis=0)
    if levels.max() < LEAST_LEVEL**2:
        return None
    return _within_one(pairs) if channels == 1 else _within_two(pairs)


def _within_one(pairs: Values) -> Layout:
    """Decide whether a declared single channel is two interleaved ones."""
    first, second = pairs[:, 0], pairs[:, 1]
    levels = pairs.var(axis=0)
    if levels.min() < _SILENT * levels.max():
        # Zeros between other samples: a silent second channel, or upsampling without a filter.
        quiet, loud = (first, second) if levels[0] < levels[1] else (second, first)
        smooth = _step(loud[1:], loud[:-1]) < levels.max()
        return "stereo" if smooth and float(np.abs(quiet).max()) < LEAST_LEVEL else "declared"
    inside, across = _step(first, second), _step(first[1:], second[:-1])
    alike = _ALIKE * levels.sum()
    if alike < inside < _PAIRED * across:
        return "stereo"
    steps = np.diff(pairs, axis=0)
    within = float(np.mean(steps * steps))
    if within > 0.5 * (inside + across) / 2 or inside < _LEAST_STEP * levels.sum():
        return "declared"
    moved = steps - steps.mean(axis=0)
    energies = np.einsum("ij,ij->j", moved, moved)
    if energies.min() <= 0:
        return "declared"
    likeness = float(moved[:, 0] @ moved[:, 1]) / float(np.sqrt(energies.prod()))
    uneven = levels.min() < _INDEPENDENT * levels.max()
    return "stereo" if abs(likeness) < _INDEPENDENT or uneven else "declared"


def _within_two(pairs: Values) -> Layout:
    """Decide whether two declared channels are one: right samples halfway between left ones."""
    left, right = pairs[:, 0], pairs[:, 1]
    inside, across = _step(left, right), _step(left[1:], right[:-1])
    levels = pairs.var(axis=0)
    if levels.min() < _BALANCED * levels.max() or min(inside, across) < _BALANCED * max(
        inside, across
    ):
        return "declared"
    steps = np.diff(pairs, axis=0)
    within = float(np.mean(steps * steps))
    near = 0.5 * (inside + across)
    return "mono" if 0 < near < 0.6 * within else "declared"


def _step(one: Values, other: Values) -> float:
    difference = one - other
    return float(np.mean(difference * difference))
