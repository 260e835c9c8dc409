"""Convert session bytes to samples and speech probabilities per channel. CPU work, no I/O."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat
from vivavoce.audio.inspection import SignalInspector
from vivavoce.audio.intake import Intake, Samples
from vivavoce.session.tape import Tape
from vivavoce.speech.silero import VoiceActivity, VoiceState


class Ear:
    """Process a session's audio from its first byte, or from the position of a checkpoint.

    Attributes:
        format: format of the bytes.
        heard: samples processed by voice activity detection, unfinished windows included.
    """

    def __init__(self, audio_format: AudioFormat, voice_activity: VoiceActivity) -> None:
        self.format = audio_format
        self._inspector = SignalInspector(audio_format)
        self._intake = Intake(audio_format, self._inspector.feed)
        self._voice_activity = voice_activity
        self._states = [VoiceState() for _ in range(audio_format.channels)]
        self._tapes = [Tape(0) for _ in range(audio_format.channels)]
        self.heard = 0

    @classmethod
    def resume(
        cls,
        audio_format: AudioFormat,
        voice_activity: VoiceActivity,
        *,
        header_bytes: int | None,
        keep_from: int,
        heard: int,
        voices: Sequence[VoiceState],
    ) -> Self:
        """Return an instance that continues after ``heard`` samples and stores from ``keep_from``.

        It must be fed from its ``position``.
        """
        ear = cls(audio_format, voice_activity)
        ear._intake = Intake.resume(audio_format, header_bytes=header_bytes, sample=keep_from)
        ear._states = list(voices)
        ear._tapes = [Tape(keep_from) for _ in voices]
        ear.heard = heard
        return ear

    @property
    def position(self) -> int:
        """The byte that must be fed next."""
        return self._intake.position

    @property
    def end(self) -> int:
        """The position after the last stored sample."""
        return self._tapes[0].end

    @property
    def header_bytes(self) -> int | None:
        """Length of the client's WAV header in bytes; None while it is unknown."""
        return self._intake.header_bytes

    @property
    def voices(self) -> tuple[VoiceState, ...]:
        """Voice activity state of each channel, for the checkpoint."""
        return tuple(self._states)

    def hear(self, audio: bytes) -> list[list[float]]:
        """Process the next bytes; return each channel's probabilities of the windows they end."""
        return self._listen(self._intake.feed(audio))

    def finish(self) -> list[list[float]]:
        """End the audio; return the probabilities of the last whole windows."""
        return self._listen(self._intake.finish())

    def take_finding(self) -> Finding | None:
        """Return, once, how the audio differs from its declared format.

        A resumed instance does not inspect the audio: the one before it did.
        """
        return self._inspector.take_finding()

    def _listen(self, samples: Samples) -> list[list[float]]:
        start = self._tapes[0].end
        for tape, channel in zip(self._tapes, samples, strict=True):
            tape.add(channel.astype("<f4", copy=False).tobytes())
        fresh = samples[:, max(self.heard - start, 0) :]
        self.heard += fresh.shape[1]
        return [self._probabilities(index, channel) for index, channel in enumerate(fresh)]

    def _probabilities(self, channel: int, samples: Samples) -> list[float]:
        state = self._states[channel]
        found, self._states[channel] = self._voice_activity.probabilities(state, samples)
        return [float(probability) for probability in np.asarray(found)]

    def span(self, channel: int, start: int, end: int) -> bytes:
        """Return samples ``[start, end)`` of a channel as float32 little-endian."""
        return self._tapes[channel].span(start, end)

    def forget(self, channel: int, before: int) -> None:
        """Discard the samples of a channel before this position."""
        self._tapes[channel].forget(before)
