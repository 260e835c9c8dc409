"""Audio as sent to the server, and as required by the engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vivavoce.audio.format import AudioFormat
from vivavoce.audio.intake import Intake, Samples
from vivavoce.cli.audio_file import CHUNKS_PER_SECOND, open_audio


@dataclass(frozen=True, slots=True)
class Sound:
    """Raw interleaved samples in a format of the protocol."""

    format: AudioFormat
    data: bytes

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.format.seconds(len(self.data))

    def chunks(self) -> Iterator[bytes]:
        """Yield the samples in pieces of 100 ms."""
        size = self.format.sample_rate // CHUNKS_PER_SECOND * self.format.frame_bytes
        for at in range(0, len(self.data), size):
            yield self.data[at : at + size]

    def samples(self) -> Samples:
        """Return samples at 16 kHz, shaped [channels, samples], converted as by the server."""
        intake = Intake(self.format)
        return np.concatenate((intake.feed(self.data), intake.finish()), axis=1)


def read_sound(path: Path) -> Sound:
    """Read a recording at its own rate and with its own channels.

    Raises:
        BadInputError: the file cannot be read.
    """
    audio = open_audio(path)
    return Sound(audio.format, b"".join(audio.chunks()))
