"""Writes a session's bytes to a WAV file as they were sent.

The file has the session's rate and channels. PCM passes unchanged, A-law and µ-law become 16-bit
PCM, and the client's own WAV header and an incomplete last frame are left out. A recording of any
length needs no more memory than a chunk.
"""

from struct import pack
from typing import Final

import numpy as np

from vivavoce.audio import g711
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.wav_header import HeaderReader

_PCM_TAG: Final = 1
_EXTENSIBLE_TAG: Final = 0xFFFE
_PCM_GUID: Final = bytes.fromhex("0100000000001000800000aa00389b71")
_SPEAKERS: Final = {1: 0x4, 2: 0x3}
"""Centre; left and right. More channels are separate speakers, without loudspeaker positions."""

_MAX_PLAIN_CHANNELS: Final = 2
_MAX_PLAIN_BYTES: Final = 2
_U32_MAX: Final = 0xFFFFFFFF


class RecordingWriter:
    """Converts a session's bytes to the bytes of a WAV file.

    A WAV file begins with its size, so the session's number of bytes must be known in advance.
    """

    def __init__(self, audio: AudioFormat, session_bytes: int) -> None:
        """Start a recording of ``session_bytes`` bytes, including a WAV header if there is one."""
        self._format = audio
        self._header = HeaderReader(audio)
        self._session_bytes = session_bytes
        self._received = 0
        self._begun = False
        self._remaining = 0
        self._padding = b""

    def feed(self, data: bytes) -> bytes:
        """Convert the session's next bytes to the file's next bytes.

        Raises:
            AudioFormatError: if a WAV header is unreadable or disagrees with the declaration.
        """
        self._received += len(data)
        return self._write(self._header.feed(data))

    def finish(self) -> bytes:
        """Return the file's last bytes.

        Raises:
            ValueError: if more or fewer bytes were fed than announced.
        """
        if self._received != self._session_bytes:
            raise ValueError(
                f"the recording was announced with {self._session_bytes} bytes "
                f"but got {self._received}"
            )
        return self._write(self._header.finish()) + self._padding

    def _write(self, data: bytes) -> bytes:
        if self._header.size is None:
            return b""
        head = b"" if self._begun else self._begin(self._header.size)
        kept = data[: self._remaining]
        self._remaining -= len(kept)
        return head + self._as_pcm(kept)

    def _begin(self, header_bytes: int) -> bytes:
        self._begun = True
        frames = (self._session_bytes - header_bytes) // self._format.frame_bytes
        self._remaining = frames * self._format.frame_bytes
        recorded = recorded_format(self._format)
        self._padding = bytes(frames * recorded.frame_bytes % 2)
        return write_header(recorded, frames)

    def _as_pcm(self, data: bytes) -> bytes:
        if self._format.encoding is Encoding.PCM:
            return data
        samples = g711.table(self._format.encoding)[np.frombuffer(data, np.uint8)]
        return samples.astype("<i2").tobytes()


def recorded_format(audio: AudioFormat) -> AudioFormat:
    """Return the recording's format for a session declared as ``audio``; it is always PCM."""
    bit_depth = audio.bit_depth if audio.encoding is Encoding.PCM else 16
    return AudioFormat(Encoding.PCM, bit_depth, audio.sample_rate, audio.channels)


def write_header(audio: AudioFormat, frames: int) -> bytes:
    """Return everything that precedes the samples in a WAV file of PCM.

    Args:
        audio: a PCM format.
        frames: number of frames that follow; a file over 4 GiB becomes RF64.
    """
    fmt = _chunk(b"fmt ", _format_body(audio))
    data_bytes = frames * audio.frame_bytes
    riff_bytes = len(b"WAVE") + len(fmt) + 8 + data_bytes + data_bytes % 2
    if riff_bytes <= _U32_MAX:
        return (
            pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE") + fmt + pack("<4sI", b"data", data_bytes)
        )
    return _rf64_header(fmt, riff_bytes, data_bytes, frames)


def _rf64_header(fmt: bytes, riff_bytes: int, data_bytes: int, frames: int) -> bytes:
    """Return an RF64 header: 64-bit sizes in a chunk of their own (EBU Tech 3306)."""
    no_tables = 0
    ds64_bytes = 8 + 28
    sizes = _chunk(b"ds64", pack("<QQQI", riff_bytes + ds64_bytes, data_bytes, frames, no_tables))
    start = pack("<4sI4s", b"RF64", _U32_MAX, b"WAVE")
    return start + sizes + fmt + pack("<4sI", b"data", _U32_MAX)


def _chunk(name: bytes, body: bytes) -> bytes:
    return pack("<4sI", name, len(body)) + body


def _format_body(audio: AudioFormat) -> bytes:
    plain = audio.channels <= _MAX_PLAIN_CHANNELS and audio.sample_bytes <= _MAX_PLAIN_BYTES
    body = pack(
        "<HHIIHH",
        _PCM_TAG if plain else _EXTENSIBLE_TAG,
        audio.channels,
        audio.sample_rate,
        audio.bytes_per_second,
        audio.frame_bytes,
        audio.bit_depth,
    )
    if plain:
        return body
    speakers = _SPEAKERS.get(audio.channels, 0)
    return body + pack("<HHI", 22, audio.bit_depth, speakers) + _PCM_GUID
