import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from vivavoce.speech.rules import WINDOW_SAMPLES
from vivavoce.speech.silero import QUIET_PEAK, QUIET_WINDOWS, VoiceActivity, VoiceState
from voices import babble, silence

Signal = NDArray[np.float32]


def hear(
    activity: VoiceActivity, blocks: list[Signal], state: VoiceState | None = None
) -> tuple[Signal, VoiceState]:
    state = state or VoiceState()
    heard = []
    for block in blocks:
        probabilities, state = activity.probabilities(state, block)
        heard.append(probabilities)
    return np.concatenate(heard), state


@pytest.fixture(scope="module")
def conversation() -> Signal:
    """Voice, a short gap, a gap long enough to rest, hum, and half a window at the end."""
    hum = (QUIET_PEAK * 2 * np.sin(np.arange(16_000) / 7)).astype(np.float32)
    parts = [silence(0.3), babble(1.0), silence(0.4), babble(0.6, seed=2), silence(2.5)]
    return np.concatenate([*parts, babble(0.7, seed=3), hum, silence(0.016)])


def test_a_voice_is_heard_and_silence_is_not(voice_activity: VoiceActivity) -> None:
    probabilities, _ = hear(voice_activity, [silence(1.024), babble(1.0), silence(1.0)])
    assert probabilities[:32].max() < 0.1
    assert probabilities[34:60].min() > 0.9
    assert probabilities[66:].max() < 0.3


@pytest.mark.parametrize("seed", range(6))
def test_block_sizes_change_no_bit(
    voice_activity: VoiceActivity, conversation: Signal, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    edges = np.sort(generator.integers(0, len(conversation), generator.integers(1, 60)))
    whole, whole_state = hear(voice_activity, [conversation])
    split, split_state = hear(voice_activity, np.split(conversation, edges))
    assert np.array_equal(whole, split)
    assert whole_state == split_state


def test_window_by_window_equals_the_whole(
    voice_activity: VoiceActivity, conversation: Signal
) -> None:
    edges = list(range(WINDOW_SAMPLES, len(conversation), WINDOW_SAMPLES))
    whole, _ = hear(voice_activity, [conversation])
    assert np.array_equal(whole, hear(voice_activity, np.split(conversation, edges))[0])


@pytest.mark.parametrize("position", [0, 700, 20_000, 60_000, 75_001])
def test_a_state_that_went_through_a_checkpoint_goes_on_exactly(
    voice_activity: VoiceActivity, conversation: Signal, position: int
) -> None:
    before, after = conversation[:position], conversation[position:]
    _, state = hear(voice_activity, [before])
    restored = msgspec.json.decode(msgspec.json.encode(state), type=VoiceState)
    assert restored == state
    expected, expected_state = hear(voice_activity, [after], state)
    again, again_state = hear(voice_activity, [after], restored)
    assert np.array_equal(expected, again)
    assert expected_state == again_state


def test_samples_that_fill_no_window_wait(voice_activity: VoiceActivity) -> None:
    probabilities, state = hear(voice_activity, [babble(0.031)])
    assert len(probabilities) == 0
    assert len(hear(voice_activity, [silence(0.001)], state)[0]) == 1


def test_nothing_heard_changes_nothing(voice_activity: VoiceActivity) -> None:
    _, state = hear(voice_activity, [babble(0.5)])
    assert hear(voice_activity, [silence(0)], state)[1] == state


def test_the_model_rests_in_lasting_silence(voice_activity: VoiceActivity) -> None:
    _, tired = hear(voice_activity, [babble(0.512), silence(QUIET_WINDOWS * 0.032)])
    probabilities, rested = hear(voice_activity, [silence(60.0)], tired)
    assert not probabilities.any()
    assert (rested.hidden, rested.cell) == (tired.hidden, tired.cell)


def test_a_gap_too_short_to_rest_in_is_heard_by_the_model(voice_activity: VoiceActivity) -> None:
    _, before = hear(voice_activity, [babble(0.512)])
    _, after = hear(voice_activity, [silence(0.32)], before)
    assert after.hidden != before.hidden


def test_a_rest_makes_no_difference_to_the_speech_that_follows(
    voice_activity: VoiceActivity, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = [babble(0.512), silence(3.0), babble(1.024, seed=5)]
    rested, _ = hear(voice_activity, signal)
    monkeypatch.setattr("vivavoce.speech.silero.QUIET_WINDOWS", len(rested))
    watched, _ = hear(voice_activity, signal)
    assert not np.array_equal(rested, watched)
    assert np.array_equal(rested >= 0.5, watched >= 0.5)


@pytest.mark.parametrize("level", [QUIET_PEAK * 1.01, 8 / 32_768])
def test_only_what_stays_under_the_quiet_peak_is_quiet(
    voice_activity: VoiceActivity, level: float
) -> None:
    _, state = hear(voice_activity, [np.full(32_768, level, np.float32)])
    assert state.quiet == (0 if level > QUIET_PEAK else 64)
