"""A voice for tests that need the voice activity model to hear speech: vowels from pulses."""

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
VOWELS = [(730, 1_090, 2_440), (270, 2_290, 3_010), (570, 840, 2_410), (530, 1_840, 2_480)]


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


def babble(seconds: float, *, seed: int = 1) -> NDArray[np.float32]:
    """Vowels of 150 ms one after the other, as a voice around 120 Hz would speak them."""
    generator = np.random.default_rng(seed)
    count = int(np.ceil(seconds / 0.15))
    spoken = [_vowel(generator, VOWELS[index % len(VOWELS)]) for index in range(count)]
    joined = np.concatenate(spoken)[: round(seconds * RATE)]
    return np.asarray(0.3 * joined / np.abs(joined).max(), np.float32)


def _vowel(generator: np.random.Generator, formants: tuple[int, ...]) -> NDArray[np.float64]:
    samples = round(0.15 * RATE)
    pitch = 120 * (1 + 0.1 * np.sin(np.linspace(0, 3, samples))) + generator.normal(0, 1, samples)
    phase = np.cumsum(pitch / RATE)
    signal = np.diff(np.floor(phase), prepend=0.0) + generator.normal(0, 0.01, samples)
    time = np.arange(400) / RATE
    for hertz in formants:
        ringing = np.exp(-np.pi * 90 * time) * np.sin(2 * np.pi * hertz * time)
        signal = np.convolve(signal, ringing)[:samples]
    return np.asarray(signal * np.hanning(samples) ** 0.3, np.float64)
