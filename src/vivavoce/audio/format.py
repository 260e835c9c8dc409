"""The audio format a client declares, and the conversion of byte positions to time."""

from enum import StrEnum

import msgspec


class Encoding(StrEnum):
    """Sample encoding on the wire (contract §1.3)."""

    PCM = "wav/pcm"
    ALAW = "wav/alaw"
    ULAW = "wav/ulaw"


class AudioFormat(msgspec.Struct, frozen=True):
    """A declared audio format; A-law and µ-law are always 8-bit, regardless of ``bit_depth``."""

    encoding: Encoding = Encoding.PCM
    bit_depth: int = 16
    sample_rate: int = 16_000
    channels: int = 1

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return self.bit_depth // 8 if self.encoding is Encoding.PCM else 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame: one sample of every channel."""
        return self.sample_bytes * self.channels

    @property
    def bytes_per_second(self) -> int:
        """Bytes of one second of audio data."""
        return self.frame_bytes * self.sample_rate

    def seconds(self, byte_count: int) -> float:
        """Return the duration of ``byte_count`` bytes of audio data (header bytes excluded)."""
        return byte_count / self.bytes_per_second
