"""What the clients are given to say: recordings with known words."""

import wave
from pathlib import Path

from integration.speech import Clip, spoken

RATE = 16_000
MOST_WRONG = 0.2
"""Word error rate that a client's transcript may have: the model's own, and one word more."""

TWO_CITIES = Clip(
    "It was the best of times, it was the worst of times, it was the age of wisdom, "
    "it was the age of foolishness",
    0,
    8.4,
)
# Samuel Beckett, Worstward Ho, 1983: quoted in beckett.wav.
BECKETT = Clip(
    "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.",
    0,
    10,
    "beckett.wav",
)


def sound(clip: Clip, *, then_silent: float = 0.0) -> bytes:
    """A clip and so many seconds of silence, as 16-bit mono at 16 kHz."""
    return spoken(clip).audio + silence(then_silent)


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def write_wav(path: Path, audio: bytes) -> str:
    """A file with a plain header of 44 bytes."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(audio)
    return str(path)
