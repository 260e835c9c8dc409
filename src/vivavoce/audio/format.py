"""What a client says its audio is, and the arithmetic of positions that follows from it."""

from enum import StrEnum

import msgspec


class Encoding(StrEnum):
    """How samples are coded on the wire (contract §1.3)."""

    PCM = "wav/pcm"
    ALAW = "wav/alaw"
    ULAW = "wav/ulaw"


class AudioFormat(msgspec.Struct, frozen=True):
    """A declared audio format; A-law and µ-law are 8-bit whatever ``bit_depth`` says."""

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
        """Bytes of audio data that last a second."""
        return self.frame_bytes * self.sample_rate

    def seconds(self, byte_count: int) -> float:
        """Duration of ``byte_count`` bytes of audio data (header bytes not among them)."""
        return byte_count / self.bytes_per_second
