import json
import random
from collections.abc import Sequence

import numpy as np
import pytest

from vivavoce.audio.chunk_inspection import HEADERS, OPUS_PACKETS, ChunkInspector
from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat, Encoding
from wav_files import header

CHANCE = random.Random(15)
SOUND = (8_000 * np.sin(np.arange(1_600) / 9)).astype("<i2").tobytes()
STOP = b'{"type":"stop_recording"}'


def found(chunks: Sequence[bytes], *, audio: AudioFormat | None = None) -> list[Finding]:
    """What one session's chunks lead to, a tenth of a second apart."""
    inspector = ChunkInspector(audio or AudioFormat(), from_start=True)
    return [
        finding
        for number, chunk in enumerate(chunks)
        for finding in inspector.inspect(chunk, number / 10)
    ]


def test_sound_in_chunks_of_any_size_is_no_finding() -> None:
    whole = SOUND * 20
    for size in (1, 7, 84, 3_200, 60_000):
        assert not found([whole[at : at + size] for at in range(0, len(whole), size)])


def test_one_header_is_usual_and_several_are_reported_once() -> None:
    chunk = header(AudioFormat()) + SOUND
    assert not found([chunk, *[SOUND] * 50])
    findings = found([chunk] * 20)
    assert [finding.kind for finding in findings] == ["headers"]
    assert len(found([chunk] * (HEADERS - 1))) == 0


@pytest.mark.parametrize("kind", ["stop_recording", "finalize", "audio_chunk"])
def test_a_message_in_a_binary_frame_is_named(kind: str) -> None:
    message = json.dumps({"type": kind, "data": {"chunk": "AAAA" * 4_000}}).encode()
    short = json.dumps({"type": kind}).encode()
    for chunk in (short, message, b"\n " + short + b"\n"):
        (finding,) = found([SOUND, chunk])
        assert (finding.kind, kind in finding.text) == ("message", True)


@pytest.mark.parametrize(
    "chunk", [b"{", b'{"type":"unknown"}', STOP + b"\0\0", STOP[:-1], b'{"type":"stop_recording"}}']
)
def test_what_is_no_whole_known_message_is_sound(chunk: bytes) -> None:
    assert not found([SOUND, chunk])


@pytest.mark.parametrize("size", [1, 5, 1_000])
def test_a_container_is_recognised_though_it_comes_in_pieces(size: int) -> None:
    file = b"ID3\x04" + CHANCE.randbytes(2_000)
    findings = found([file[at : at + size] for at in range(0, len(file), size)])
    assert [finding.kind for finding in findings] == ["compressed"]
    assert "an MP3 file" in findings[0].text


def test_text_is_recognised() -> None:
    (finding,) = found([b"<html>\n" * 100])
    assert finding.kind == "message"


def test_the_beginning_is_not_looked_for_after_a_restart() -> None:
    inspector = ChunkInspector(AudioFormat(), from_start=False)
    assert not inspector.inspect(b"ID3\x04" + CHANCE.randbytes(2_000), 0)


def test_opus_packets_are_recognised() -> None:
    sizes = [40 + number % 160 for number in range(OPUS_PACKETS)]
    packets = [b"\x78" + CHANCE.randbytes(size) for size in sizes]
    (finding,) = found(packets)
    assert "Opus" in finding.text


def test_silence_in_pieces_of_many_sizes_is_not_opus() -> None:
    for zero in (b"\0", b"\x80", b"\xd5", b"\xff"):
        silence = [zero * CHANCE.randrange(40, 200) for _ in range(3 * OPUS_PACKETS)]
        assert not found(silence, audio=AudioFormat(Encoding.ULAW, sample_rate=8_000))


def test_the_first_chunk_of_an_odd_size_is_remembered() -> None:
    inspector = ChunkInspector(AudioFormat(), from_start=True)
    for chunk in (header(AudioFormat())[:43], SOUND, SOUND[:-1], SOUND[:-3]):
        inspector.inspect(chunk, 0)
    assert inspector.odd_chunk == (3, len(SOUND) - 1)
