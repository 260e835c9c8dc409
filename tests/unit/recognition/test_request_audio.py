from itertools import pairwise

import numpy as np
import pytest

from vivavoce.recognition.request_audio import cut_where_quiet, read_audio

RATE = 16_000


def test_audio_is_read_as_it_was_sent() -> None:
    audio = np.linspace(-1, 1, 100, dtype="<f4")
    assert read_audio(audio.tobytes()).tolist() == audio.tolist()


@pytest.mark.parametrize("bad", [b"123", np.array([0, np.nan], "<f4").tobytes()])
def test_audio_that_is_no_sound_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r"samples|numbers"):
        read_audio(bad)


def test_audio_of_the_longest_length_is_not_cut() -> None:
    assert cut_where_quiet(np.ones(20 * RATE, np.float32), 20 * RATE) == []


def test_a_cut_falls_into_the_pause_near_the_end() -> None:
    audio = np.ones(30 * RATE, np.float32)
    audio[17 * RATE : 17 * RATE + RATE // 2] = 0
    (cut,) = cut_where_quiet(audio, 20 * RATE)
    assert 17 * RATE < cut < 17.5 * RATE


def test_speech_without_a_pause_is_still_cut_into_pieces_that_fit() -> None:
    audio = np.ones(97 * RATE, np.float32)
    bounds = [0, *cut_where_quiet(audio, 20 * RATE), len(audio)]
    assert all(0 < after - before <= 20 * RATE for before, after in pairwise(bounds))
