"""Sound files to what goes over the wire."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from vivavoce.audio.format import AudioFormat
from vivavoce.cli import audio_file
from vivavoce.cli.audio_file import open_audio
from vivavoce.cli.failures import BadInputError

NOISE = np.random.default_rng(3).integers(-(2**31), 2**31, 4321, dtype=np.int64).astype(np.int32)


def sent(path: Path) -> bytes:
    return b"".join(open_audio(path).chunks())


def test_sixteen_bit_is_sent_as_it_is(tmp_path: Path) -> None:
    samples = (NOISE >> 16).astype("<i2")
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 16_000, subtype="PCM_16")
    audio = open_audio(path)
    assert audio.format == AudioFormat(bit_depth=16, sample_rate=16_000, channels=1)
    assert audio.seconds == pytest.approx(4321 / 16_000)
    assert [len(chunk) for chunk in audio.chunks()] == [3200, 3200, 2242]
    assert sent(path) == samples.tobytes()


def test_flac_is_sent_with_its_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, (NOISE >> 8) << 8, 48_000, subtype="PCM_24")
    assert open_audio(path).format.bit_depth == 24
    packed = (NOISE >> 8).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
    assert sent(path) == packed.tobytes()


def test_thirty_two_bit_is_sent_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, NOISE, 8000, subtype="PCM_32")
    assert sent(path) == NOISE.astype("<i4").tobytes()


def test_eight_bit_is_unsigned_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, NOISE, 8000, subtype="PCM_U8")
    assert open_audio(path).format.bit_depth == 8
    assert sent(path) == path.read_bytes()[44 : 44 + 4321]


def test_channels_stay_interleaved(tmp_path: Path) -> None:
    samples = (NOISE[:4320].reshape(-1, 8) >> 16).astype("<i2")
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 44_100, subtype="PCM_16")
    assert open_audio(path).format.channels == 8
    assert sent(path) == samples.tobytes()


def test_floats_become_24_bit_without_overflow(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = np.array([0.0, 0.5, -1.0, 1.0, 1.5, np.nan], dtype=np.float32)
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    assert open_audio(path).format.bit_depth == 24
    data = sent(path)
    values = [
        int.from_bytes(data[at : at + 3], "little", signed=True) for at in range(0, len(data), 3)
    ]
    assert values == [0, 2**22, -(2**23), 2**23 - 1, 2**23 - 1, 0]


def tone(rate: int, seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [11_025, 22_050, 96_000])
def test_an_unknown_rate_becomes_16_khz(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(rate, 1.0), rate, subtype="PCM_16")
    assert open_audio(path).format == AudioFormat(bit_depth=16, sample_rate=16_000)
    samples = np.frombuffer(sent(path), "<i2") / 32768
    assert len(samples) == 16_000
    assert np.abs(samples - tone(16_000, 1.0))[200:-200].max() < 0.01


def test_an_unknown_rate_without_a_resampler_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(22_050, 0.1), 22_050)
    monkeypatch.setattr(audio_file, "find_spec", lambda _name: None)
    with pytest.raises(BadInputError, match="sample rate of 22050"):
        open_audio(path)


def test_a_lossy_file_becomes_16_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, tone(16_000, 0.5), 16_000)
    assert open_audio(path).format.bit_depth == 16
    assert len(sent(path)) == 16_000


def test_only_the_beginning_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(16_000, 1.0), 16_000)
    assert sum(map(len, open_audio(path).chunks(0.25))) == 8000


def test_a_file_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(16_000, 1.0), 16_000)
    path.write_bytes(path.read_bytes()[:10_044])
    assert len(sent(path)) == 10_000


@pytest.mark.parametrize("content", [b"", b"no sound at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_sound_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"a\.wav"):
        open_audio(path)


def test_files_that_cannot_be_sent_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no file"):
        open_audio(tmp_path / "none.wav")
    empty = tmp_path / "empty.wav"
    soundfile.write(empty, np.zeros(0), 16_000)
    with pytest.raises(BadInputError, match="no audio"):
        open_audio(empty)
    many = tmp_path / "many.wav"
    soundfile.write(many, np.zeros((10, 9)), 16_000)
    with pytest.raises(BadInputError, match="9 channels"):
        open_audio(many)
