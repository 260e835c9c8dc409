"""Options common to all measurements: the server, its sessions' request and the speech."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vivavoce.audio.format import AudioFormat
from vivavoce.cli.audio_file import AudioFile, open_audio
from vivavoce.cli.sample import sample_path
from vivavoce.load.voice import Voice
from vivavoce.protocol.request import InitRequest

RATE = 16_000
"""Sample rate that most clients send; recordings of other rates are converted."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The server, its sessions' request and the speech to send."""

    url: str | None
    api_key: str
    pid: int | None
    request: InitRequest
    audio: Path | None
    seconds: float | None
    json: Path | None

    @property
    def partials(self) -> bool:
        """Whether sessions request partial transcripts."""
        return self.request.messages_config.receive_partial_transcripts

    def lasting(self, seconds: float) -> float:
        """Return the seconds each stream sends, unless the options set a length."""
        return self.seconds or seconds

    @property
    def told(self) -> dict[str, Any]:
        """The options that a reader of the figures must know."""
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
        """Return ``seconds`` of the speech, with the requested share of silence in between.

        Raises:
            BadInputError: the recording cannot be read.
            ServerStartError: the speech sample is missing.
        """
        file = _at_rate(open_audio(self.audio or sample_path(None)))
        speech = Voice(b"".join(file.chunks()), file.format)
        whole = 100
        return (speech if talk == whole else speech.talking(talk)).lasting(seconds)


def _at_rate(file: AudioFile) -> AudioFile:
    """Convert the file to 16 kHz, 16 bit."""
    if file.file_rate == RATE:
        return file
    wire = AudioFormat(bit_depth=16, sample_rate=RATE, channels=file.format.channels)
    return replace(file, format=wire, read_as="float64")
