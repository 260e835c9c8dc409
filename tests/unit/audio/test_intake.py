import numpy as np
import pytest

from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.intake import Intake, time_range
from vivavoce.audio.wav_header import AudioFormatError
from wav_files import header

TELEPHONE = AudioFormat(Encoding.ULAW, sample_rate=8_000)


def test_a_header_counts_in_bytes_but_not_in_time() -> None:
    intake = Intake(AudioFormat())
    head = header(AudioFormat())
    samples = intake.feed(head + bytes(640))
    assert samples.shape == (1, 320)
    assert (intake.position, intake.header_bytes, intake.sample) == (684, 44, 320)


def test_until_a_header_is_decided_its_size_is_unknown() -> None:
    intake = Intake(AudioFormat())
    assert intake.feed(b"RIFF").shape == (1, 0)
    assert intake.header_bytes is None


def test_channels_come_apart_and_contiguous() -> None:
    stereo = AudioFormat(bit_depth=8, channels=2)
    samples = Intake(stereo).feed(bytes([128, 192] * 50))
    assert samples.flags.c_contiguous
    assert samples[0].tolist() == [0.0] * 50
    assert samples[1].tolist() == [0.5] * 50


def test_an_incomplete_last_frame_is_dropped() -> None:
    intake = Intake(AudioFormat(channels=2))
    assert intake.feed(b"\0\0\0\0\0\0\0").shape == (2, 1)
    assert intake.finish().shape == (2, 0)


def test_finish_gives_what_the_resampler_held_back() -> None:
    intake = Intake(TELEPHONE)
    given = intake.feed(b"\xff" * 8_000).shape[1] + intake.finish().shape[1]
    assert given == intake.sample == 16_000


def test_a_session_of_four_letters_riff_is_audio_after_all() -> None:
    intake = Intake(AudioFormat())
    intake.feed(b"RIFF")
    assert intake.finish().shape == (1, 2)
    assert intake.header_bytes == 0


def test_a_header_that_disagrees_stops_the_intake() -> None:
    with pytest.raises(AudioFormatError, match="8000 Hz"):
        Intake(AudioFormat()).feed(header(AudioFormat(sample_rate=8_000)))


def test_resuming_reads_no_more_than_one_segment_again() -> None:
    intake = Intake.resume(TELEPHONE, header_bytes=44, sample=16_000 * 3_600 - 1)
    assert intake.sample == 16_000 * 3_600 - 1
    assert 8_000 * 3_589 < intake.position - 44 < 8_000 * 3_600


def test_resuming_at_sixteen_kilohertz_reads_nothing_again() -> None:
    intake = Intake.resume(AudioFormat(channels=2), header_bytes=44, sample=1_000)
    assert intake.position == 44 + 4_000


def test_resuming_before_the_header_is_decided_begins_at_the_first_byte() -> None:
    intake = Intake.resume(AudioFormat(), header_bytes=None, sample=0)
    assert intake.position == 0
    assert intake.feed(header(AudioFormat()) + bytes(2)).shape == (1, 1)


def test_no_sample_can_come_before_the_header_is_decided() -> None:
    with pytest.raises(ValueError, match="before the header is decided"):
        Intake.resume(AudioFormat(), header_bytes=None, sample=1)


def test_rest_of_a_frame_is_forgotten_only_by_resuming_at_its_start() -> None:
    stereo = AudioFormat(channels=2)
    data = np.arange(40, dtype="<i2").tobytes()
    first = Intake(stereo)
    heard = first.feed(data[:39])
    second = Intake.resume(stereo, header_bytes=first.header_bytes, sample=first.sample)
    rest = second.feed(data[second.position :])
    assert np.array_equal(np.concatenate((heard, rest), axis=1), Intake(stereo).feed(data))


@pytest.mark.parametrize(
    ("byte_range", "expected"),
    [((0, 44), (0.0, 0.0)), ((0, 844), (0.0, 0.1)), ((844, 1_644), (0.1, 0.2))],
)
def test_a_byte_range_has_the_duration_of_its_audio(
    byte_range: tuple[int, int], expected: tuple[float, float]
) -> None:
    assert time_range(TELEPHONE, header_bytes=44, byte_range=byte_range) == expected
