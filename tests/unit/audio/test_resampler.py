import numpy as np
import pytest
import soxr

from vivavoce.audio.resampler import (
    SEGMENT_SAMPLES,
    SEGMENT_SECONDS,
    TARGET_RATE,
    make_resampler,
    restart_at,
)
from vivavoce.audio.samples import Frames

RATES = [8_000, 32_000, 44_100, 48_000]


def resample(frames: Frames, rate: int, *, segment: int = 0) -> Frames:
    resampler = make_resampler(rate, frames.shape[1], segment=segment)
    return np.concatenate((resampler.feed(frames), resampler.finish()))


def noise(rate: int, seconds: float, channels: int = 1) -> Frames:
    generator = np.random.default_rng(rate)
    return generator.uniform(-0.9, 0.9, (round(rate * seconds), channels)).astype(np.float32)


def sine(rate: int, seconds: float, hertz: float = 997.0) -> Frames:
    time = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)[:, None]


def residual_db(samples: np.ndarray, hertz: float = 997.0) -> float:
    """What is left of a sine once the best fitting sine is taken away, relative to it."""
    angle = 2 * np.pi * hertz * np.arange(len(samples)) / TARGET_RATE
    basis = np.stack((np.sin(angle), np.cos(angle)), axis=1)
    fit, *_ = np.linalg.lstsq(basis, samples.astype(np.float64), rcond=None)
    error = np.abs(samples - basis @ fit).max()
    return float(20 * np.log10(error / 0.5))


def test_sixteen_kilohertz_passes_untouched() -> None:
    frames = noise(TARGET_RATE, 0.1, channels=2)
    assert np.array_equal(resample(frames, TARGET_RATE), frames)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frames", [0, 1, 2, 441, 10_007])
def test_the_length_is_the_duration_at_sixteen_kilohertz(rate: int, frames: int) -> None:
    assert len(resample(noise(rate, frames / rate), rate)) == frames * TARGET_RATE // rate


@pytest.mark.parametrize("rate", RATES)
def test_a_restart_at_any_segment_equals_the_undisturbed_run_bit_for_bit(rate: int) -> None:
    frames = noise(rate, 2.3 * SEGMENT_SECONDS, channels=2)
    whole = resample(frames, rate)
    for sample in (0, SEGMENT_SAMPLES - 1, SEGMENT_SAMPLES, 2 * SEGMENT_SAMPLES + 12_345):
        segment, frame, discard = restart_at(rate, sample)
        again = resample(frames[frame:], rate, segment=segment)[discard:]
        assert np.array_equal(again, whole[sample:])


@pytest.mark.parametrize("rate", RATES)
def test_a_sine_across_a_seam_stays_a_sine(rate: int) -> None:
    samples = resample(sine(rate, SEGMENT_SECONDS + 1), rate)[:, 0]
    seam = samples[SEGMENT_SAMPLES - 1_600 : SEGMENT_SAMPLES + 1_600]
    inside = samples[SEGMENT_SAMPLES // 2 : SEGMENT_SAMPLES // 2 + 3_200]
    assert residual_db(inside) < -80
    assert residual_db(seam) < -80


@pytest.mark.parametrize("rate", RATES)
def test_seams_make_no_audible_difference_to_one_long_stream(rate: int) -> None:
    frames = noise(rate, 2.2 * SEGMENT_SECONDS)
    stream = soxr.ResampleStream(rate, TARGET_RATE, 1, dtype="float32", vr=True)
    unbroken = stream.resample_chunk(frames, last=True)
    assert np.abs(resample(frames, rate) - unbroken).max() < 1e-4


@pytest.mark.parametrize("rate", RATES)
def test_no_more_than_32_ms_are_held_back(rate: int) -> None:
    frames = noise(rate, SEGMENT_SECONDS + 1)
    resampler = make_resampler(rate, 1)
    heard = given = 0
    for start in range(0, len(frames), rate // 50):
        given += len(resampler.feed(frames[start : start + rate // 50]))
        heard += rate // 50
        assert given / TARGET_RATE >= heard / rate - 0.032


@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000])
def test_what_lies_above_8_khz_does_not_fold_back(rate: int) -> None:
    folded = resample(sine(rate, 1.0, hertz=9_500.0), rate)[1_600:-1_600]
    assert 20 * np.log10(np.abs(folded).max() / 0.5) < -80


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [200.0, 3_400.0])
def test_the_voice_band_passes_unchanged(rate: int, hertz: float) -> None:
    samples = resample(sine(rate, 1.0, hertz), rate)[1_600:-1_600, 0]
    level = np.sqrt(np.mean(samples.astype(np.float64) ** 2) * 2) / 0.5
    assert abs(20 * np.log10(level)) < 0.1
    assert residual_db(samples, hertz) < -80
