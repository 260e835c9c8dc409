import pytest

from vivavoce.speech.rules import EndpointingRules


def rules(endpointing: float = 0.05, threshold: float = 0.6) -> EndpointingRules:
    return EndpointingRules.from_settings(
        endpointing=endpointing, maximum_duration=5, speech_threshold=threshold
    )


def test_the_defaults_are_those_that_were_measured() -> None:
    found = rules()
    assert [found.onset, found.offset] == pytest.approx([0.5, 0.3])
    assert (found.silence_windows, found.maximum_samples) == (2, 80_000)


@pytest.mark.parametrize(
    ("seconds", "windows"), [(0.01, 1), (0.032, 1), (0.033, 2), (0.32, 10), (1.0, 32), (10, 313)]
)
def test_endpointing_is_rounded_up_to_whole_windows(seconds: float, windows: int) -> None:
    assert rules(endpointing=seconds).silence_windows == windows


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5, 0.6, 1.0])
def test_at_any_threshold_speech_can_begin_and_silence_can_end_it(threshold: float) -> None:
    found = rules(threshold=threshold)
    assert 0 < found.offset < found.onset < 0.9


def test_a_higher_threshold_is_stricter() -> None:
    onsets = [rules(threshold=step / 10).onset for step in range(1, 11)]
    assert onsets == sorted(set(onsets))
