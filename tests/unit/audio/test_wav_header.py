import struct
from typing import Any

import pytest

from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.wav_header import (
    MAX_HEADER_BYTES,
    MAX_HEADER_CHUNKS,
    AudioFormatError,
    HeaderReader,
    StatedFormat,
    WavHeader,
    inspect_header,
)
from wav_files import chunk, fmt_chunk, header

MONO = AudioFormat()
STEREO = AudioFormat(sample_rate=44_100, channels=2)
LIST = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0")
JUNK = chunk(b"JUNK", b"\xa5" * 28)
FACT = chunk(b"fact", struct.pack("<I", 0))
DS64 = chunk(b"ds64", struct.pack("<QQQI", 1 << 33, 1 << 33, 1 << 32, 0))


@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF, 12_345])
@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"before": JUNK},
        {"after": LIST + FACT},
        {"extensible": True},
        {"form": b"RF64", "before": DS64},
        {"form": b"BW64", "before": DS64},
    ],
    ids=["plain", "junk", "list", "extensible", "rf64", "bw64"],
)
def test_a_header_of_any_shape_is_measured_and_its_data_size_ignored(
    shape: dict[str, Any], data_size: int
) -> None:
    head = header(MONO, data_size=data_size, **shape)
    assert inspect_header(head + b"audio") == WavHeader(len(head), StatedFormat(1, 16, 16_000, 1))


@pytest.mark.parametrize(
    "declared",
    [
        AudioFormat(Encoding.PCM, 8, 8_000, 1),
        AudioFormat(Encoding.PCM, 24, 48_000, 8),
        AudioFormat(Encoding.PCM, 32, 32_000, 3),
        AudioFormat(Encoding.ALAW, 16, 8_000, 2),
        AudioFormat(Encoding.ULAW, 8, 8_000, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [{}, {"extensible": True}], ids=["plain", "extensible"])
def test_a_header_that_agrees_is_stripped(declared: AudioFormat, shape: dict[str, Any]) -> None:
    reader = HeaderReader(declared)
    head = header(declared, **shape)
    assert reader.feed(head + b"audio") == b"audio"
    assert reader.size == len(head)


@pytest.mark.parametrize("taken", [0, 5, 20])
def test_refused_bytes_leave_room_for_others(taken: int) -> None:
    reader = HeaderReader(MONO)
    right = header(MONO)
    assert reader.feed(right[:taken]) == b""
    for _ in range(3):
        with pytest.raises(AudioFormatError, match="44100"):
            reader.feed(header(STEREO)[taken:])
    assert reader.feed(right[taken:] + b"audio") == b"audio"


def test_twelve_bits_are_carried_in_sixteen() -> None:
    twelve = fmt_chunk(MONO).replace(struct.pack("<HH", 2, 16), struct.pack("<HH", 2, 12))
    head = b"RIFF\0\0\0\0WAVE" + twelve + b"data\0\0\0\0"
    assert HeaderReader(MONO).feed(head + b"audio") == b"audio"


@pytest.mark.parametrize(
    ("start", "passes_at"),
    [(b"\0\0\1\0", 1), (b"RI\0\0", 3), (b"RIFFxxxxAVI LIST", 9), (b"RIFFxxxxWAVy", 12)],
)
def test_raw_audio_is_released_at_the_first_byte_that_rules_a_header_out(
    start: bytes, passes_at: int
) -> None:
    reader = HeaderReader(MONO)
    released = [reader.feed(bytes([byte])) for byte in start]
    assert b"".join(released) == start
    assert [bool(piece) for piece in released].index(True) == passes_at - 1
    assert reader.size == 0


def test_big_endian_files_are_refused_by_name() -> None:
    with pytest.raises(AudioFormatError, match="RIFX"):
        HeaderReader(MONO).feed(header(MONO, form=b"RIFX"))


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (AudioFormat(sample_rate=8_000), "16-bit PCM, 8000 Hz, 1 channel"),
        (AudioFormat(bit_depth=24), "24-bit PCM, 16000 Hz, 1 channel"),
        (AudioFormat(channels=2), "16-bit PCM, 16000 Hz, 2 channels"),
        (AudioFormat(Encoding.ULAW), "8-bit µ-law, 16000 Hz, 1 channel"),
        (AudioFormat(Encoding.ALAW), "8-bit A-law, 16000 Hz, 1 channel"),
    ],
)
def test_a_header_that_disagrees_is_refused_naming_both(stated: AudioFormat, words: str) -> None:
    with pytest.raises(AudioFormatError) as refusal:
        HeaderReader(MONO).feed(header(stated))
    assert str(refusal.value) == (
        f"the WAV header says {words}, "
        "but the session was declared as 16-bit PCM, 16000 Hz, 1 channel"
    )


@pytest.mark.parametrize(("tag", "name"), [(3, "floating point"), (0x55, "format 0x0055")])
def test_codings_the_server_cannot_read_are_named(tag: int, name: str) -> None:
    declared = AudioFormat(bit_depth=32)
    head = b"RIFF\0\0\0\0WAVE" + fmt_chunk(declared, tag=tag) + b"data\0\0\0\0"
    with pytest.raises(AudioFormatError, match=f"32-bit {name}"):
        HeaderReader(declared).feed(head)


def test_an_unknown_subformat_is_refused() -> None:
    head = header(MONO, extensible=True)
    with pytest.raises(AudioFormatError, match="format 0xFFFE"):
        HeaderReader(MONO).feed(head.replace(b"\x80\0\0\xaa", b"\x80\0\0\xab"))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", b"\1\0\1\0"), "only 4 bytes"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "no format chunk"),
        (
            b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", struct.pack("<HHIIHH", 0xFFFE, 1, 1, 1, 1, 8)),
            "cut short",
        ),
    ],
)
def test_a_malformed_header_is_refused(head: bytes, words: str) -> None:
    with pytest.raises(AudioFormatError, match=words):
        HeaderReader(MONO).feed(head)


def test_an_endless_header_is_refused_as_soon_as_it_announces_itself() -> None:
    with pytest.raises(AudioFormatError, match="64 KiB"):
        HeaderReader(MONO).feed(b"RIFF\0\0\0\0WAVEJUNK" + struct.pack("<I", MAX_HEADER_BYTES))


def test_a_header_of_many_chunks_is_refused() -> None:
    head = b"RIFF\0\0\0\0WAVE" + chunk(b"JUNK", b"") * (MAX_HEADER_CHUNKS + 1)
    with pytest.raises(AudioFormatError, match="64 chunks"):
        HeaderReader(MONO).feed(head)


def test_a_long_header_within_the_bound_is_read() -> None:
    head = header(STEREO, before=chunk(b"JUNK", bytes(60_000)))
    assert HeaderReader(STEREO).feed(head + b"audio") == b"audio"


@pytest.mark.parametrize(("sent", "audio"), [(b"RIFF\0\0", b"RIFF\0\0"), (header(MONO)[:30], b"")])
def test_a_session_that_ends_undecided_keeps_what_can_only_be_audio(
    sent: bytes, audio: bytes
) -> None:
    reader = HeaderReader(MONO)
    assert reader.feed(sent) == b""
    assert reader.finish() == audio
    assert reader.size == len(sent) - len(audio)
