"""Whisper's features: the logarithm of the energy in mel bands, every 10 ms.

The bits of a frame depend on its samples alone: not on the length of the clip, on the position of
the frame in it, or on the processor's kernels for matrix products, which are not used.

Follows the definition in the paper (Radford et al. 2022, §2.2): 25 ms Hann windows, 10 ms apart and
centred, 80 or 128 triangular bands of equal area on the Slaney mel scale up to 8 kHz, the loudest
eight decades of the clip, scaled to about -1 to 1. Silence at the end of a clip costs nothing here.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

HOP = 160
"""Samples from one frame to the next (10 ms)."""

_WINDOW = 400
_REACH = _WINDOW // 2
"""Samples that a frame covers on either side of its middle."""
_SPECTRUM = _WINDOW // 2 + 1

_LEAST_ENERGY = 1e-10
_DECADES = 8.0

_LINEAR_TO = 1000.0
"""Upper end in Hz of the linear part of the Slaney scale, 3 mel for 200 Hz; above it, 27 mel are
a factor of 6.4."""
_MEL_PER_HERTZ = 3 / 200
_LOG_STEP = math.log(6.4) / 27


def log_mel(audio: Floats, bands: int, frames: int) -> Floats:
    """Return the features of audio followed by silence.

    Args:
        audio: 16 kHz samples; samples beyond ``frames`` are ignored.
        bands: number of mel bands of the model, 80 or 128.
        frames: length of the result; audio that is shorter is padded with silence.

    Returns:
        ``[bands, frames]``.
    """
    energy = np.zeros((bands, frames), np.float32)
    heard = min(frames, -(-(len(audio) + _REACH) // HOP))
    if heard:
        _add_energy(energy[:, :heard], _power(audio, heard))
    levels = np.log10(np.maximum(energy, _LEAST_ENERGY))
    levels = np.maximum(levels, levels.max(initial=np.log10(_LEAST_ENERGY)) - _DECADES)
    scaled: Floats = ((levels + 4) / 4).astype(np.float32)
    return scaled


def _add_energy(energy: Floats, power: Floats) -> None:
    """Sum the power spectrum ``[bins, frames]`` into mel bands ``[bands, frames]``.

    A matrix product rounds differently for other widths and on other processors. A band spans few
    bins, so adding them one by one takes no longer.
    """
    for band, spectral_bin, weight in _filter_weights(len(energy)):
        energy[band] += weight * power[spectral_bin]


def _power(audio: Floats, frames: int) -> Floats:
    """Return the power spectrum of each frame, ``[bins, frames]``; the start is mirrored."""
    length = (frames - 1) * HOP + _WINDOW
    mirrored = np.zeros(length, np.float32)
    head = audio[1 : _REACH + 1][::-1]
    mirrored[_REACH - len(head) : _REACH] = head
    body = audio[: length - _REACH]
    mirrored[_REACH : _REACH + len(body)] = body
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, _WINDOW)[::HOP]
    spectrum = np.fft.rfft(windows * _hann(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return np.ascontiguousarray(power.T)


@cache
def _hann() -> Floats:
    """Return the periodic Hann window."""
    window: Floats = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    return window


@cache
def _filter_weights(bands: int) -> tuple[tuple[int, int, np.float32], ...]:
    """Return band, bin and non-zero weight of triangles of equal area, evenly spaced in mel."""
    edges = _hertz(np.linspace(0, _mel(SAMPLE_RATE / 2), bands + 2))[:, None]
    bins = np.linspace(0, SAMPLE_RATE / 2, _SPECTRUM)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters = (triangles * 2 / (right - left)).astype(np.float32)
    rows, columns = np.nonzero(filters)
    return tuple(zip(rows.tolist(), columns.tolist(), filters[rows, columns], strict=True))


def _mel(hertz: float) -> float:
    """Return the Slaney mel value of a frequency above the linear part."""
    return _LINEAR_TO * _MEL_PER_HERTZ + math.log(hertz / _LINEAR_TO) / _LOG_STEP


def _hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the frequencies of Slaney mel values."""
    bend = _LINEAR_TO * _MEL_PER_HERTZ
    above = _LINEAR_TO * np.exp(_LOG_STEP * np.maximum(mel - bend, 0))
    return np.where(mel < bend, mel / _MEL_PER_HERTZ, above)
