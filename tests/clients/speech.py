"""Recordings whose words are known, and how far a transcript is from them."""

import re
import wave
from pathlib import Path

import jiwer
import numpy as np
import platformdirs
import pytest
import soundfile
import soxr
from numpy.typing import NDArray
from whisper_normalizer.english import EnglishTextNormalizer

RATE = 16_000
SAMPLES = platformdirs.user_cache_path("vivavoce") / "models" / "speech-samples"

BECKETT = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
TWO_CITIES = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, "
    "it was the age of foolishness"
)
TWO_CITIES_SECONDS = 8.4
"""Where the sentence is cut, in a pause."""

MOST_WRONG = 0.2
"""Word error rate that a client's transcript may have: the model's own, and one word more."""

normal = EnglishTextNormalizer()


def beckett() -> NDArray[np.int16]:
    """Ten seconds at 16 kHz."""
    return _read("beckett.wav")


def two_cities() -> NDArray[np.int16]:
    """The first clauses of the recording, at 16 kHz."""
    return _read("two_cities.wav")[: round(TWO_CITIES_SECONDS * RATE)]


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * RATE), np.int16)


def _read(name: str) -> NDArray[np.int16]:
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"there is no {name}; fetch it with: vivavoce models pull")
    samples, rate = soundfile.read(path, dtype="float32")
    heard = soxr.resample(samples, rate, RATE)
    return np.asarray(np.round(heard * 32_767).clip(-32_768, 32_767), np.int16)


def write_wav(path: Path, samples: NDArray[np.int16]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def wrong_words(spoken: str, heard: str) -> float:
    """Word error rate after normalisation; 1.0 when nothing was heard."""
    return float(jiwer.wer(normal(spoken), normal(re.sub(r"\s+", " ", heard))))
