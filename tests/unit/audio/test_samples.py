import io

import numpy as np
import pytest
import soundfile

from vivavoce.audio import g711
from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.samples import SampleDecoder, decode_frames

EXTREMES = {
    8: (b"\x00\x80\xff", [-1.0, 0.0, 127 / 128]),
    16: (b"\x00\x80\x00\x00\xff\x7f", [-1.0, 0.0, 32767 / 32768]),
    24: (b"\x00\x00\x80\x00\x00\x00\xff\xff\x7f\x01\x00\x00", [-1.0, 0.0, 1 - 2**-23, 2**-23]),
    32: (b"\x00\x00\x00\x80\x00\x00\x00\x00\xff\xff\xff\x7f", [-1.0, 0.0, 1 - 2**-23]),
}


@pytest.mark.parametrize("bit_depth", EXTREMES)
def test_pcm_of_every_depth_is_scaled_exactly_and_stays_below_one(bit_depth: int) -> None:
    data, expected = EXTREMES[bit_depth]
    frames = decode_frames(AudioFormat(bit_depth=bit_depth), data)
    assert frames.dtype == np.float32
    assert frames[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("encoding", "subtype"), [(Encoding.ALAW, "ALAW"), (Encoding.ULAW, "ULAW")]
)
def test_g711_tables_equal_those_of_libsndfile(encoding: Encoding, subtype: str) -> None:
    codes = bytes(range(256))
    expected, _ = soundfile.read(
        io.BytesIO(codes), dtype="int16", samplerate=8_000, channels=1, format="RAW",
        subtype=subtype,
    )  # fmt: skip
    assert np.array_equal(g711.table(encoding), expected)


@pytest.mark.parametrize("encoding", [Encoding.ALAW, Encoding.ULAW])
def test_g711_is_eight_bit_whatever_the_declared_depth(encoding: Encoding) -> None:
    frames = decode_frames(AudioFormat(encoding, bit_depth=16, channels=2), bytes(range(256)))
    assert frames.shape == (128, 2)
    assert np.array_equal(frames.ravel() * 32_768, g711.table(encoding))


def test_pcm_has_no_g711_table() -> None:
    with pytest.raises(ValueError, match="wav/pcm is not"):
        g711.table(Encoding.PCM)


def test_channels_stay_in_their_order() -> None:
    frames = decode_frames(AudioFormat(bit_depth=8, channels=3), bytes([0, 128, 192] * 4))
    assert frames.tolist() == [[-1.0, 0.0, 0.5]] * 4


def test_a_frame_split_in_the_middle_of_a_sample_waits_for_its_rest() -> None:
    decoder = SampleDecoder(AudioFormat(bit_depth=24, channels=2))
    assert decoder.feed(b"\x00\x00\x40\x00\x00").shape == (0, 2)
    assert decoder.feed(b"\xc0\x00").tolist() == [[0.5, -0.5]]
