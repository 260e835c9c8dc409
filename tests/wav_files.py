"""Builds WAV headers of every shape for tests, independently of the code under test."""

import struct

from vivavoce.audio.format import AudioFormat, Encoding

TAGS = {Encoding.PCM: 1, Encoding.ALAW: 6, Encoding.ULAW: 7}
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt_chunk(audio: AudioFormat, *, extensible: bool = False, tag: int | None = None) -> bytes:
    tag = TAGS[audio.encoding] if tag is None else tag
    bits = audio.sample_bytes * 8
    body = struct.pack(
        "<HHIIHH",
        0xFFFE if extensible else tag,
        audio.channels,
        audio.sample_rate,
        audio.sample_rate * audio.frame_bytes,
        audio.frame_bytes,
        bits,
    )
    if extensible:
        body += struct.pack("<HHIH", 22, bits, 0, tag) + GUID_TAIL
    return chunk(b"fmt ", body)


def header(
    audio: AudioFormat,
    *,
    form: bytes = b"RIFF",
    before: bytes = b"",
    after: bytes = b"",
    extensible: bool = False,
    data_size: int = 0,
) -> bytes:
    """A whole header: ``before`` and ``after`` stand around its format chunk."""
    fmt = fmt_chunk(audio, extensible=extensible)
    data = b"data" + struct.pack("<I", data_size)
    return form + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + before + fmt + after + data
