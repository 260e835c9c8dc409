"""Features against values that faster-whisper 1.2.1's own feature extractor gives."""

import numpy as np
import pytest

from vivavoce.recognition.engines.whisper_mel import Floats, log_mel

FRAMES = (0, 1, 40, 100, 149, 151, 200)

# Band -> values at FRAMES, for the sweep below and 1.5 s of silence after it.
REFERENCE = {
    80: {
        0: (1.12, 0.9539, 0.9451, 0.9451, 0.9456, -0.2198, -0.664),
        5: (1.1689, 1.3002, -0.2438, -0.2441, -0.162, -0.3002, -0.664),
        20: (0.4745, -0.0376, -0.664, -0.664, -0.3964, -0.3944, -0.664),
        41: (0.1072, -0.4017, -0.6418, -0.664, -0.3435, -0.3433, -0.664),
        79: (-0.3554, -0.664, -0.664, -0.664, -0.2598, -0.2598, -0.664),
    },
    128: {
        0: (1.0442, 0.8782, 0.8693, 0.8693, 0.8698, -0.2956, -0.6149),
        5: (1.1272, 0.7973, 0.2012, 0.2012, 0.2168, -0.3262, -0.6149),
        20: (0.7017, 0.1672, -0.6149, -0.6149, -0.4291, -0.4609, -0.6149),
        60: (0.1684, -0.3402, 0.2784, -0.6149, -0.3558, -0.3554, -0.6149),
        79: (-0.0268, -0.5383, -0.6149, -0.6149, -0.3008, -0.3014, -0.6149),
    },
}


def sweep() -> Floats:
    """A tone that rises from 200 Hz to 4.7 kHz in 1.5 s, and mains hum."""
    t = np.arange(24_000) / 16_000
    tone = 0.3 * np.sin(2 * np.pi * (200 * t + 1500 * t * t))
    return (tone + 0.05 * np.sin(2 * np.pi * 50 * t)).astype(np.float32)


@pytest.mark.parametrize("bands", [80, 128])
def test_features_are_those_that_the_models_were_trained_on(bands: int) -> None:
    features = log_mel(sweep(), bands, 300)
    assert features.shape == (bands, 300)
    for band, values in REFERENCE[bands].items():
        assert features[band, FRAMES] == pytest.approx(values, abs=1e-4)


def test_silence_after_the_audio_is_the_same_written_out_or_not() -> None:
    written_out = np.pad(sweep(), (0, 24_000))
    assert np.array_equal(log_mel(sweep(), 80, 300), log_mel(written_out, 80, 300))


def test_audio_beyond_the_frames_is_not_heard() -> None:
    audio = sweep()
    assert np.array_equal(log_mel(audio, 80, 100), log_mel(audio[: 100 * 160 + 200], 80, 100))


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 201])
def test_the_shortest_audio_has_features(samples: int) -> None:
    features = log_mel(np.ones(samples, np.float32), 80, 10)
    assert features.shape == (80, 10)
    assert np.isfinite(features).all()


def test_digital_silence_is_flat() -> None:
    assert np.allclose(log_mel(np.zeros(1600, np.float32), 80, 20), -1.5)
