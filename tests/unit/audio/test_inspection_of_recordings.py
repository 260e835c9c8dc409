"""No false alarm on real recordings, sampled; ``bench/suspicious_audio.py`` measures all."""

from pathlib import Path

import pytest
from suspicious_audio import read_clips, true_declarations, wrong_declarations

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "audio" / "dev"
EVERY = 230


@pytest.fixture(scope="module")
def recordings() -> Path:
    if not (RECORDINGS / "manifest.jsonl").exists():
        pytest.skip("the folder of recordings is not beside this checkout")
    return RECORDINGS


def test_true_declarations_raise_no_alarm(recordings: Path) -> None:
    for clip, sound, rate in read_clips(recordings, EVERY, first=7, seconds=4):
        for label, kind, text in true_declarations(sound, rate, full=False):
            assert not kind, (clip, label, text)


def test_wrong_declarations_are_mostly_found(recordings: Path) -> None:
    found = missed = 0
    for _, sound, rate in read_clips(recordings, EVERY, first=7, seconds=6):
        for label, _, finding, _ in wrong_declarations(sound, rate):
            if "(same)" not in label:
                found += finding is not None
                missed += finding is None
    assert found > 2 * missed
