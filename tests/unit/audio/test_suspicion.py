import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.suspicion import LEAST_TEXT, suspicion


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"ID3\x04\x00", "an MP3 file"),
        (b"OggS\x00\x02", "an Ogg file"),
        (b"fLaC\x00", "a FLAC file"),
        (b"\x1aE\xdf\xa3\x01", "a Matroska or WebM file"),
        (b"\x00\x00\x00\x20ftypM4A ", "an MP4 file"),
        (b"<html>\n" * 100, "text"),
    ],
)
def test_a_file_or_a_text_is_recognised(beginning: bytes, kind: str) -> None:
    assert suspicion(beginning) == kind


@given(st.integers(20, 3999), st.sampled_from([8, 16]), st.floats(0, 1))
def test_no_tone_is_taken_for_something_else(frequency: int, bits: int, level: float) -> None:
    wave = level * np.sin(2 * np.pi * frequency * np.arange(8000) / 8000)
    sound = (wave * 127 + 128).astype(np.uint8) if bits == 8 else (wave * 32767).astype("<i2")
    assert suspicion(sound.tobytes()) is None


def test_a_short_text_is_left_in_doubt() -> None:
    assert suspicion(b"a" * (LEAST_TEXT - 1)) is None


def test_only_the_beginning_is_looked_at() -> None:
    """The whole of a chunk of 32 MiB of text used to be, on the event loop."""
    assert suspicion(b"a" * 4096 + bytes(10)) == "text"
    assert suspicion(b"a" * 4000 + bytes(10)) is None
