"""What streams say: speech of a recording, with silence in it, from one place or another."""

import msgspec

from vivavoce.audio.format import AudioFormat

GOLDEN = 0.618033988749895
"""Multiples of it, modulo 1, lie far from each other however many there are."""

TURN_SECONDS = 5.0
"""How long somebody speaks who does not speak all the time."""

CHUNK_SECONDS = 0.1


class Voice(msgspec.Struct, frozen=True):
    """Speech to be sent: raw audio in a format of the wire."""

    audio: bytes
    format: AudioFormat

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.format.seconds(len(self.audio))

    def talking(self, percent: int, turn: float = TURN_SECONDS) -> "Voice":
        """The same with silence after every ``turn`` seconds, so that ``percent`` of it is talk."""
        size = self._bytes(turn)
        pause = bytes(self._bytes(turn * (100 - percent) / percent))
        parts = (self.audio[at : at + size] for at in range(0, len(self.audio), size))
        return self._of(b"".join(part + pause for part in parts))

    def lasting(self, seconds: float) -> "Voice":
        """So many seconds of it, again from the beginning where it is over."""
        size = self._bytes(seconds)
        times = -(-size // max(len(self.audio), 1))
        return self._of((self.audio * times)[:size])

    def turned(self, number: int) -> "Voice":
        """The same begun at another place, as a ring; number 0 begins at its beginning.

        Streams that say the same are so not all silent, and not all loud, at the same time.
        """
        step = self._bytes(CHUNK_SECONDS)
        at = int(number * GOLDEN % 1 * (len(self.audio) // step)) * step
        return self._of(self.audio[at:] + self.audio[:at])

    def silence(self, seconds: float) -> "Voice":
        """Nothing but silence."""
        return self._of(bytes(self._bytes(seconds)))

    def _bytes(self, seconds: float) -> int:
        return round(seconds * self.format.sample_rate) * self.format.frame_bytes

    def _of(self, audio: bytes) -> "Voice":
        return msgspec.structs.replace(self, audio=audio)
