"""Real speech with known words, in every format of the wire.

The encoders are libsndfile's, so that what the server decodes was not encoded by it.
"""

import io
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jiwer
import numpy as np
import platformdirs
import soundfile
import soxr
from numpy.typing import NDArray
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.audio.format import AudioFormat, Encoding

Sound = NDArray[np.float64]
"""Samples in [-1, 1), shaped [frames, channels]."""

# Charles Dickens, A Tale of Two Cities, 1859: read aloud in two_cities.wav.
TWO_CITIES = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the "
    "season of Light, it was the season of Darkness, it was the spring of hope, it was the winter "
    "of despair, we had everything before us, we had nothing before us, we were all going direct "
    "to Heaven, we were all going direct the other way — in short, the period was so far like the "
    "present period, that some of its noisiest authorities insisted on its being received, for "
    "good or for evil, in the superlative degree of comparison only."
)


@dataclass(frozen=True)
class Clip:
    """A passage of a recording, with its words."""

    words: str
    start: float
    end: float
    file: str = "two_cities.wav"
    model: str = "speech-samples"


WHOLE = Clip(TWO_CITIES, 0, 45)
BEGINNING = Clip(TWO_CITIES[:226], 1.1, 16.9)
TIMES = Clip("It was the best of times, it was the worst of times,", 1.1, 4.9)
BEST = Clip("It was the best of times,", 1.1, 3.05)
AGES = Clip("it was the age of wisdom, it was the age of foolishness,", 4.95, 8.7)
EPOCHS = Clip("it was the epoch of belief, it was the epoch of incredulity,", 8.75, 13.2)
SPRING = Clip("it was the spring of hope, it was the winter of despair,", 17.3, 21.0)


def foreign(words: str, seconds: float, file: str) -> Clip:
    """A phrase in another language."""
    return Clip(words, 0, seconds, file, "speech-samples-languages")


FRENCH = foreign("Portez ce vieux whisky au juge blond qui fume.", 2.754, "fr-pangrama.wav")


@dataclass(frozen=True)
class Spoken:
    """A clip in a format of the wire, ready to be sent."""

    words: str
    format: AudioFormat
    audio: bytes

    @property
    def init(self) -> dict[str, str | int]:
        """The fields of an init request that declare the format."""
        return {
            "encoding": self.format.encoding.value,
            "bit_depth": self.format.bit_depth,
            "sample_rate": self.format.sample_rate,
            "channels": self.format.channels,
        }

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.format.seconds(len(self.audio))

    @property
    def recording(self) -> bytes:
        """The samples that the server's recording must hold: PCM is kept, G.711 decoded."""
        if self.format.encoding is Encoding.PCM:
            return self.audio
        decoded, _ = soundfile.read(
            io.BytesIO(self.audio),
            dtype="int16",
            format="RAW",
            subtype=_subtype(self.format),
            channels=self.format.channels,
            samplerate=self.format.sample_rate,
        )
        return bytes(decoded.astype("<i2").tobytes())

    def pieces(self, size: int = 8000) -> list[bytes]:
        """The audio in chunks."""
        return pieces(self.audio, size)

    def prefixed(self, header: bytes) -> "Spoken":
        """The same audio after a header."""
        return replace(self, audio=header + self.audio)


def pieces(audio: bytes, size: int) -> list[bytes]:
    """Bytes in chunks of ``size``, the last one shorter."""
    return [audio[at : at + size] for at in range(0, len(audio), size)]


def models_folder() -> Path:
    """Where ``make models`` puts the models."""
    return platformdirs.user_cache_path("vivavoce") / "models"


@cache
def _samples(clip: Clip, rate: int) -> Sound:
    path = models_folder() / clip.model / clip.file
    sound, file_rate = soundfile.read(path, always_2d=True)
    passage = sound[round(clip.start * file_rate) : round(clip.end * file_rate)]
    return np.asarray(soxr.resample(passage, file_rate, rate)) if rate != file_rate else passage


def spoken(clip: Clip, audio: AudioFormat | None = None) -> Spoken:
    """A clip, the same on every channel; by default 16-bit at 16 kHz."""
    audio = audio or AudioFormat()
    sound = np.repeat(_samples(clip, audio.sample_rate), audio.channels, axis=1)
    return Spoken(clip.words, audio, encoded(sound, audio))


def together(*clips: Clip) -> bytes:
    """Clips spoken at once, each on a channel of its own, as 16-bit PCM at 16 kHz."""
    sounds = [_samples(clip, 16_000) for clip in clips]
    joined = np.zeros((max(map(len, sounds)), len(sounds)))
    for channel, sound in enumerate(sounds):
        joined[: len(sound), channel] = sound[:, 0]
    return encoded(joined, AudioFormat(channels=len(clips)))


def encoded(sound: Sound, audio: AudioFormat) -> bytes:
    """Samples as the wire carries them."""
    file = io.BytesIO()
    soundfile.write(
        file, sound, audio.sample_rate, format="RAW", subtype=_subtype(audio), endian="LITTLE"
    )
    return file.getvalue()


def _subtype(audio: AudioFormat) -> str:
    if audio.encoding is Encoding.PCM:
        return "PCM_U8" if audio.bit_depth == 8 else f"PCM_{audio.bit_depth}"
    return "ALAW" if audio.encoding is Encoding.ALAW else "ULAW"


_normal = EnglishTextNormalizer()


def word_error_rate(words: str, heard: str) -> float:
    """Share of words that were misheard, case and punctuation aside."""
    return float(jiwer.wer(_normal(words), _normal(heard)))
