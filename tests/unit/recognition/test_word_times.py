import numpy as np
import pytest

from vivavoce.recognition.word_times import Floats, fit_to_sound

RATE = 16_000


def sounds(length_s: float, *spans: tuple[float, float]) -> Floats:
    """Noise bursts at known places over a faint hiss."""
    rng = np.random.default_rng(1)
    audio = rng.normal(0, 1e-4, int(length_s * RATE))
    for start, end in spans:
        at = slice(int(start * RATE), int(end * RATE))
        audio[at] = rng.normal(0, 0.2, at.stop - at.start)
    return audio.astype(np.float32)


def seconds(spans: list[tuple[int, int]]) -> list[tuple[float, float]]:
    return [(round(start / RATE, 2), round(end / RATE, 2)) for start, end in spans]


def samples(*spans: tuple[float, float]) -> list[tuple[int, int]]:
    return [(int(start * RATE), int(end * RATE)) for start, end in spans]


def test_a_word_that_was_given_the_pause_before_it_starts_with_its_sound() -> None:
    audio = sounds(2, (0.2, 0.6), (1.2, 1.8))
    fitted = fit_to_sound(samples((0.2, 0.6), (0.6, 1.8)), audio)
    assert seconds(fitted) == [(0.2, 0.6), (1.2, 1.8)]


def test_a_word_cut_short_lasts_as_long_as_its_sound() -> None:
    audio = sounds(2, (0.2, 0.8), (1.2, 1.8))
    fitted = fit_to_sound(samples((0.3, 0.5), (1.3, 1.5)), audio)
    assert seconds(fitted) == [(0.2, 0.8), (1.2, 1.8)]


def test_words_that_run_together_keep_the_border_they_were_given() -> None:
    fitted = fit_to_sound(samples((0.0, 0.5), (0.5, 1.4)), sounds(1.5, (0.1, 1.2)))
    assert seconds(fitted) == [(0.1, 0.5), (0.5, 1.2)]


def test_the_closure_of_a_stop_is_part_of_the_word() -> None:
    fitted = fit_to_sound(samples((0.0, 0.3)), sounds(1, (0.1, 0.3), (0.33, 0.5)))
    assert seconds(fitted) == [(0.1, 0.5)]


def test_a_word_heard_in_silence_stays_where_it_was() -> None:
    fitted = fit_to_sound(samples((0.1, 0.3), (0.6, 0.8)), sounds(1, (0.6, 0.8)))
    assert seconds(fitted) == [(0.1, 0.3), (0.6, 0.8)]


def test_no_words_need_no_audio() -> None:
    assert fit_to_sound([], np.zeros(0, np.float32)) == []


def test_more_words_than_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        fit_to_sound([(0, 1), (1, 2)], np.zeros(1, np.float32))


def test_digital_silence_does_not_pass_the_room_off_as_speech() -> None:
    noisy = sounds(2, (0.8, 1.2)) * 10
    audio = np.concatenate([np.zeros(RATE, np.float32), noisy])
    assert seconds(fit_to_sound(samples((0.0, 3.0)), audio)) == [(1.8, 2.2)]
