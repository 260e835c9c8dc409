"""What every measurement is told: which server, what its sessions ask for, what is said."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vivavoce.audio.format import AudioFormat
from vivavoce.cli.audio_file import AudioFile, open_audio
from vivavoce.cli.sample import sample_path
from vivavoce.load.voice import Voice
from vivavoce.protocol.request import InitRequest

RATE = 16_000
"""What most clients send, whatever the recording has."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Which server, what its sessions ask for, and what is said in them."""

    url: str | None
    api_key: str
    pid: int | None
    request: InitRequest
    audio: Path | None
    seconds: float | None
    json: Path | None

    @property
    def partials(self) -> bool:
        """Whether sessions ask for partial transcripts."""
        return self.request.messages_config.receive_partial_transcripts

    def lasting(self, seconds: float) -> float:
        """How much each stream sends, where nothing else was asked for."""
        return self.seconds or seconds

    @property
    def told(self) -> dict[str, Any]:
        """What of it a reader of the figures must know."""
        request = self.request
        return {
            "server": self.url or "its own",
            "audio": self.audio.name if self.audio else "the sample",
            "endpointing": request.endpointing,
            "maximum": request.maximum_duration_without_endpointing,
            "language": request.language_config.languages[0],
            "partials": self.partials,
        }

    def voice(self, seconds: float, *, talk: int = 100) -> Voice:
        """So many seconds of the speech, with silence in between where it is not all talk.

        Raises:
            BadInputError: it cannot be read.
            ServerStartError: there is no sample.
        """
        file = _at_rate(open_audio(self.audio or sample_path(None)))
        speech = Voice(b"".join(file.chunks()), file.format)
        whole = 100
        return (speech if talk == whole else speech.talking(talk)).lasting(seconds)


def _at_rate(file: AudioFile) -> AudioFile:
    """The file as 16 kHz, 16 bit."""
    if file.file_rate == RATE:
        return file
    wire = AudioFormat(bit_depth=16, sample_rate=RATE, channels=file.format.channels)
    return replace(file, format=wire, read_as="float64")
