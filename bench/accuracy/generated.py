"""Generates sounds: hum, tones, noise, clicks, bells, breath, typing and blips; seeded."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

_DTMF_ON = 0.1
_DTMF = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "0": (941, 1336)}
_CALL_TONES = {
    "dial-us": ((350, 440), 1.0, 0.0),
    "dial-eu": ((425,), 1.0, 0.0),
    "busy-us": ((480, 620), 0.5, 0.5),
    "busy-eu": ((425,), 0.48, 0.48),
    "ringback-us": ((440, 480), 2.0, 4.0),
    "ringback-eu": ((425,), 1.0, 4.0),
    "ringback-uk": ((400, 450), 0.4, 0.2),
    "congestion": ((425,), 0.25, 0.25),
    "fax-answer": ((2100,), 3.0, 0.5),
    "fax-call": ((1100,), 0.5, 3.0),
}
"""Frequencies in Hz, seconds on, seconds off."""


def generated() -> Iterator[tuple[str, str, Floats]]:
    """Yield name, kind and samples of every sound."""
    random = np.random.default_rng(15)
    yield from _hums(random)
    yield from _telephone()
    yield from _noises(random)
    yield from _transients(random)


def _seconds(length: float) -> npt.NDArray[np.float64]:
    return np.arange(round(length * SAMPLE_RATE)) / SAMPLE_RATE


def _hums(random: np.random.Generator) -> Iterator[tuple[str, str, Floats]]:
    time = _seconds(12)
    for mains in (50, 60):
        for harmonics in (1, 3, 8, 20, 40):
            for level in (-20, -35, -50):
                weights = 1 / np.arange(1, harmonics + 1) ** random.uniform(0.3, 1.5)
                phases = random.uniform(0, 2 * np.pi, harmonics)
                tones = [
                    weight * np.sin(2 * np.pi * mains * number * time + phase)
                    for number, (weight, phase) in enumerate(zip(weights, phases, strict=True), 1)
                ]
                hum = np.sum(tones, axis=0) * (1 + 0.2 * np.sin(2 * np.pi * 0.7 * time))
                noise = random.standard_normal(len(time)) * _gain(level - 25)
                yield (
                    f"hum-{mains}-{harmonics}-{-level}",
                    "hum",
                    _leveled(hum, level) + noise.astype(np.float32),
                )


def _telephone() -> Iterator[tuple[str, str, Floats]]:
    time = _seconds(12)
    for name, (frequencies, on, off) in _CALL_TONES.items():
        tone = np.sum([np.sin(2 * np.pi * each * time) for each in frequencies], axis=0)
        yield name, "telephone tones", _leveled(tone * (time % (on + off) < on), -18)
    for digit, pair in _DTMF.items():
        tone = np.sum([np.sin(2 * np.pi * each * time[:64_000]) for each in pair], axis=0)
        yield (
            f"dtmf-{digit}",
            "telephone tones",
            _leveled(tone * (time[:64_000] % 0.3 < _DTMF_ON), -12),
        )
    sweep = np.sin(2 * np.pi * (200 * time + 120 * time**2))
    yield "sweep", "telephone tones", _leveled(sweep, -20)


def _noises(random: np.random.Generator) -> Iterator[tuple[str, str, Floats]]:
    time = _seconds(12)
    for colour, slope in (("white", 0.0), ("pink", 0.5), ("brown", 1.0)):
        for level in (-15, -30, -45):
            yield (
                f"{colour}-{-level}",
                "noise",
                _leveled(_coloured(random, len(time), slope), level),
            )
    for pace in (0.25, 0.4):
        breath = _coloured(random, len(time), 0.3) * np.clip(np.sin(2 * np.pi * pace * time), 0, 1)
        yield f"breath-{pace:g}", "breath", _leveled(_band(breath, 300, 2500), -30)
        puffs = _coloured(random, len(time), 0.6) * (np.sin(2 * np.pi * pace * time) ** 40)
        yield f"puff-{pace:g}", "breath", _leveled(puffs, -20)
    wind = _coloured(random, len(time), 1.0) * (1 + np.sin(2 * np.pi * 0.15 * time))
    yield "wind", "noise", _leveled(wind, -20)


def _transients(random: np.random.Generator) -> Iterator[tuple[str, str, Floats]]:
    for number in range(6):
        sound = np.zeros(10 * SAMPLE_RATE)
        for at in np.cumsum(random.uniform(0.06, 0.4, 30))[:25]:
            place = round(at * SAMPLE_RATE)
            click = random.standard_normal(400) * np.exp(-np.arange(400) / random.uniform(20, 120))
            sound[place : place + 400] += click * random.uniform(0.3, 1)
        yield f"typing-{number}", "clicks", _leveled(sound, -30)
    for number in range(8):
        time, base = _seconds(3), random.uniform(250, 1800)
        partials = [1, 2.0, 2.4, 3.0, 4.5, 5.3][: 2 + number % 5]
        bell = np.sum(
            [
                np.sin(2 * np.pi * base * each * time) * np.exp(-time * (1 + each) / 1.5)
                for each in partials
            ],
            axis=0,
        )
        yield f"bell-{number}", "bells", _leveled(np.tile(bell, 2), -20)
    for number, (length, pitch) in enumerate(
        (length, pitch) for length in (0.06, 0.1, 0.16, 0.25) for pitch in (110, 180, 260)
    ):
        time = _seconds(length)
        tones = [np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 15)]
        blip = np.sum(tones, axis=0) * np.hanning(len(time))
        yield f"blip-{number}", "blips", np.pad(_leveled(blip, -18), (8000, 16_000))


def _coloured(random: np.random.Generator, length: int, slope: float) -> npt.NDArray[np.float64]:
    """Return noise whose amplitude falls with this power of the frequency."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    return np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 50) ** slope, length)


def _band(sound: npt.NDArray[np.float64], low: float, high: float) -> npt.NDArray[np.float64]:
    spectrum = np.fft.rfft(sound)
    frequencies = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    return np.fft.irfft(spectrum * ((frequencies > low) & (frequencies < high)), len(sound))


def _gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _leveled(sound: npt.NDArray[np.float64], decibels: float) -> Floats:
    """Scale the sound to this root mean square level, in dB of full scale."""
    level = float(np.sqrt(np.mean(sound**2))) or 1.0
    return (sound / level * _gain(decibels)).astype(np.float32)
