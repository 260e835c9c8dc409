"""What a session remembers after three hours is what it remembered after three minutes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unit.session.test_core import NOW, SILENCE, SPEECH, decodes, said, windows
from vivavoce.audio.format import AudioFormat
from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.session import checkpoint as checkpoints
from vivavoce.session.checkpoint import Checkpoint
from vivavoce.session.core import Core, CoreConfig
from vivavoce.session.ear import Ear
from vivavoce.speech.rules import WINDOW_SAMPLES, EndpointingRules
from vivavoce.speech.silero import VoiceActivity

CONTEXT = 15 * SAMPLE_RATE
ROUND = windows((SILENCE, 20), (SPEECH, 60), (SILENCE, 10), (SPEECH, 200), (SILENCE, 10))
"""9.6 s: an utterance, and speech that is cut at the maximum."""


class Deaf:
    """Voice activity's graph, which these tests need not run."""

    def run(
        self, outputs: list[str] | None, feed: dict[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """No speech."""
        del outputs
        return [np.zeros(len(feed["input"]), np.float32), feed["h"], feed["c"]]

    def get_inputs(self) -> list[object]:
        """Nobody asks."""
        return []


def checkpoint_after(minutes: float, channels: int) -> tuple[int, float]:
    """Bytes of the checkpoint, and seconds of audio kept, when every final is out."""
    rules = EndpointingRules.from_settings(
        endpointing=0.05, maximum_duration=5, speech_threshold=0.6
    )
    core = Core(CoreConfig("s", channels, rules, partials=True, context=CONTEXT))
    for _ in range(round(minutes * 60 / 9.6)):
        effects = core.hear([ROUND] * channels, NOW)
        while requests := decodes(effects):
            effects = [each for one in requests for each in core.take(one, said(one), NOW)]
    state = Checkpoint("live", core.state, (), core.heard, 0)
    kept = max(core.heard - core.keep_from(channel) for channel in range(channels))
    return len(checkpoints.encode(state)), kept / SAMPLE_RATE


@pytest.mark.parametrize(("channels", "minutes"), [(1, 180), (8, 20)])
def test_the_core_remembers_no_more_after_hours_than_after_minutes(
    channels: int, minutes: float
) -> None:
    early, early_kept = checkpoint_after(3, channels)
    late, late_kept = checkpoint_after(minutes, channels)
    # Larger numbers take a few bytes more.
    assert late < early + 100 * channels
    assert late < 4096 * channels
    assert late_kept <= early_kept + 1
    assert late_kept < 30


@pytest.mark.parametrize("channels", [1, 8])
def test_an_ear_keeps_only_what_it_was_not_told_to_forget(channels: int) -> None:
    ear = Ear(AudioFormat(channels=channels), VoiceActivity(Deaf()))
    second = bytes(2 * channels * SAMPLE_RATE)
    for _ in range(120):
        ear.hear(second)
        for channel in range(channels):
            ear.forget(channel, ear.end - WINDOW_SAMPLES)
    for channel in range(channels):
        assert len(ear.span(channel, ear.end - WINDOW_SAMPLES, ear.end)) == 4 * WINDOW_SAMPLES
        with pytest.raises(IndexError):
            ear.span(channel, ear.end - WINDOW_SAMPLES - 1, ear.end)
