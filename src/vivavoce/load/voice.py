"""The speech that streams send: a recording, with silence inserted and a selectable start."""

import msgspec

from vivavoce.audio.format import AudioFormat

GOLDEN = 0.618033988749895
"""Golden ratio: any number of its multiples, modulo 1, are far from each other."""

TURN_SECONDS = 5.0
"""Seconds of speech between two silences."""

CHUNK_SECONDS = 0.1


class Voice(msgspec.Struct, frozen=True):
    """Speech to send: raw audio in a format of the protocol."""

    audio: bytes
    format: AudioFormat

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.format.seconds(len(self.audio))

    def talking(self, percent: int, turn: float = TURN_SECONDS) -> "Voice":
        """Return it with silence after every ``turn`` seconds, so that ``percent`` is speech."""
        size = self._bytes(turn)
        pause = bytes(self._bytes(turn * (100 - percent) / percent))
        parts = (self.audio[at : at + size] for at in range(0, len(self.audio), size))
        return self._of(b"".join(part + pause for part in parts))

    def lasting(self, seconds: float) -> "Voice":
        """Return ``seconds`` of it, repeated from the beginning as necessary."""
        size = self._bytes(seconds)
        times = -(-size // max(len(self.audio), 1))
        return self._of((self.audio * times)[:size])

    def turned(self, number: int) -> "Voice":
        """Return it rotated to a start that depends on ``number``; 0 keeps the beginning.

        Streams of the same voice are thus not all silent, or all loud, at the same time.
        """
        step = self._bytes(CHUNK_SECONDS)
        at = int(number * GOLDEN % 1 * (len(self.audio) // step)) * step
        return self._of(self.audio[at:] + self.audio[:at])

    def silence(self, seconds: float) -> "Voice":
        """Return silence in the voice's format."""
        return self._of(bytes(self._bytes(seconds)))

    def _bytes(self, seconds: float) -> int:
        return round(seconds * self.format.sample_rate) * self.format.frame_bytes

    def _of(self, audio: bytes) -> "Voice":
        return msgspec.structs.replace(self, audio=audio)
