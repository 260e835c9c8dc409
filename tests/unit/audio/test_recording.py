import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vivavoce.audio import g711
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.recording import RecordingWriter, recorded_format, write_header
from vivavoce.audio.wav_header import StatedFormat, inspect_header
from wav_files import header

FORMATS = [
    AudioFormat(encoding, bit_depth, rate, channels)
    for encoding, bit_depth in [
        (Encoding.PCM, 8), (Encoding.PCM, 16), (Encoding.PCM, 24), (Encoding.PCM, 32),
        (Encoding.ALAW, 8), (Encoding.ULAW, 8),
    ]
    for rate, channels in [(8_000, 1), (44_100, 2), (48_000, 3), (16_000, 8)]
]  # fmt: skip


def record(audio: AudioFormat, data: bytes) -> bytes:
    writer = RecordingWriter(audio, len(data))
    return writer.feed(data) + writer.finish()


def noise(audio: AudioFormat, frames: int) -> bytes:
    generator = np.random.default_rng(7)
    return b"\x01" + generator.bytes(frames * audio.frame_bytes - 1)


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_a_recording_is_a_wav_that_others_read_with_the_samples_that_were_sent(
    audio: AudioFormat,
) -> None:
    data = noise(audio, 101)
    wav = record(audio, data + b"\x01" * (audio.frame_bytes - 1))
    info = soundfile.info(io.BytesIO(wav))
    assert (info.samplerate, info.channels, info.frames) == (
        audio.sample_rate,
        audio.channels,
        101,
    )
    read, _ = soundfile.read(io.BytesIO(wav), dtype="int32", always_2d=True)
    sent, _ = soundfile.read(
        io.BytesIO(data),
        dtype="int32",
        always_2d=True,
        samplerate=audio.sample_rate,
        channels=audio.channels,
        format="RAW",
        subtype=RAW_SUBTYPES[audio.encoding, audio.bit_depth],
        endian="LITTLE",
    )
    assert np.array_equal(read, sent)


RAW_SUBTYPES = {
    (Encoding.PCM, 8): "PCM_U8",
    (Encoding.PCM, 16): "PCM_16",
    (Encoding.PCM, 24): "PCM_24",
    (Encoding.PCM, 32): "PCM_32",
    (Encoding.ALAW, 8): "ALAW",
    (Encoding.ULAW, 8): "ULAW",
}


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_the_sizes_in_the_header_are_those_of_the_file(audio: AudioFormat) -> None:
    wav = record(audio, noise(audio, 33))
    assert struct.unpack_from("<I", wav, 4)[0] == len(wav) - 8
    assert len(wav) % 2 == 0


def test_pcm_bytes_pass_untouched_and_the_clients_own_header_is_left_out() -> None:
    audio = AudioFormat(bit_depth=24, channels=2)
    data = noise(audio, 50)
    wav = record(audio, header(audio, data_size=0xFFFFFFFF) + data)
    assert wav.endswith(data)
    assert len(wav) == 68 + len(data)


def test_a_law_becomes_16_bit_pcm() -> None:
    wav = record(AudioFormat(Encoding.ALAW, sample_rate=8_000), bytes(range(256)))
    assert wav[44:] == g711.table(Encoding.ALAW).astype("<i2").tobytes()


@pytest.mark.parametrize("sent", [b"", b"\1", b"RIFF\0\0\0\0WAVE"])
def test_a_session_without_a_whole_frame_gives_an_empty_recording(sent: bytes) -> None:
    wav = record(AudioFormat(), sent)
    assert soundfile.info(io.BytesIO(wav)).frames == 0
    assert len(wav) == 44


@pytest.mark.parametrize("announced", [3, 5])
def test_a_recording_of_another_length_than_announced_is_an_error(announced: int) -> None:
    writer = RecordingWriter(AudioFormat(), announced)
    writer.feed(b"\0\0\0\0")
    with pytest.raises(ValueError, match=f"announced with {announced} bytes but got 4"):
        writer.finish()


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_our_header_is_read_back_by_our_reader(audio: AudioFormat) -> None:
    recorded = recorded_format(audio)
    head = write_header(recorded, 1_000)
    found = inspect_header(head)
    assert found is not None
    assert (found.size, found.stated) == (len(head), StatedFormat.of(recorded))


def test_a_recording_over_4_gib_is_rf64(tmp_path: Path) -> None:
    audio = AudioFormat(bit_depth=32, sample_rate=48_000, channels=8)
    frames = (1 << 32) // audio.frame_bytes + 1
    head = write_header(audio, frames)
    path = tmp_path / "long.wav"
    with path.open("wb") as file:  # sparse: takes no room
        file.write(head)
        file.truncate(len(head) + frames * audio.frame_bytes)
    info = soundfile.info(path)
    assert (info.format, info.frames, info.channels) == ("RF64", frames, 8)
    assert inspect_header(head) is not None


def test_the_largest_plain_file_just_fits_its_32_bit_size() -> None:
    audio = AudioFormat(bit_depth=8)
    largest = 0xFFFFFFFF - 36 - 1
    assert write_header(audio, largest)[:4] == b"RIFF"
    assert write_header(audio, largest + 1)[:4] == b"RF64"
