"""The bits of a frame of Whisper's features depend on its samples alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.recognition.engines.whisper_mel import HOP, Floats, log_mel

REACH = 200
"""Samples that a frame covers beyond its middle."""

SEEDS = st.integers(0, 2**32 - 1)
BANDS = st.sampled_from([80, 128])


def noise(seed: int, samples: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


@given(SEEDS, BANDS, st.integers(1, 40), st.integers(0, 40))
def test_silence_after_the_audio_changes_no_bit_written_out_or_not(
    seed: int, bands: int, frames: int, silent: int
) -> None:
    audio = noise(seed, frames * HOP)
    padded = np.pad(audio, (0, silent * HOP))
    longest = frames + silent + 2
    assert np.array_equal(log_mel(audio, bands, longest), log_mel(padded, bands, longest))


@given(SEEDS, BANDS, st.integers(1, 40), st.integers(1, 40))
def test_a_frame_has_the_same_bits_in_a_shorter_clip_and_in_a_longer_one(
    seed: int, bands: int, frames: int, further: int
) -> None:
    # The loudest frame is in both clips, since levels are relative to it.
    audio = noise(seed, (frames + further) * HOP + REACH)
    audio[frames * HOP :] *= 1e-3
    audio[:HOP] *= 1e3
    short = log_mel(audio, bands, frames)
    assert np.array_equal(short, log_mel(audio, bands, frames + further)[:, :frames])
