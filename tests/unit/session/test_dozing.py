import numpy as np
import pytest

from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.audio.stillness import stillness
from vivavoce.session.dozing import Dozing

FORMATS = [
    AudioFormat(bit_depth=16),
    AudioFormat(bit_depth=24),
    AudioFormat(bit_depth=32),
    AudioFormat(bit_depth=8),
    AudioFormat(Encoding.ALAW, 8, 8000),
    AudioFormat(Encoding.ULAW, 8, 8000),
]
NOTHING = {Encoding.ALAW: b"\xd5", Encoding.ULAW: b"\xff"}


def silence(audio: AudioFormat, seconds: float) -> bytes:
    code = NOTHING.get(audio.encoding, b"\x80" if audio.bit_depth == 8 else b"\0")
    return code * round(seconds * audio.frame_bytes * audio.sample_rate)


@pytest.mark.parametrize("audio", FORMATS)
def test_silence_is_still_and_noise_is_not(audio: AudioFormat) -> None:
    is_still = stillness(audio)
    assert is_still(silence(audio, 0.1))
    assert not is_still(np.random.default_rng(7).bytes(len(silence(audio, 0.1))))


@pytest.mark.parametrize(("peak", "still"), [(16, True), (40, False), (300, False), (3000, False)])
def test_only_what_no_microphone_is_as_quiet_as_is_still(peak: int, still: bool) -> None:  # noqa: FBT001  a table
    tone = np.round(peak * np.sin(np.arange(1600) * 0.1)).astype("<i2").tobytes()
    assert stillness(AudioFormat())(tone) is still


def test_silence_is_heard_by_the_second_where_nobody_speaks() -> None:
    dozing = Dozing(AudioFormat())
    dozing.resting = True
    chunk = silence(AudioFormat(), 0.1)
    assert [dozing.worth(chunk) for _ in range(10)] == [False] * 9 + [True]
    dozing.heard()
    assert not dozing.worth(chunk)


def test_sound_and_whatever_comes_while_somebody_speaks_is_heard_at_once() -> None:
    dozing = Dozing(AudioFormat())
    chunk = silence(AudioFormat(), 0.1)
    assert dozing.worth(chunk)
    dozing.resting = True
    assert dozing.worth(b"\x10\x27" * 1600)
