import random

import pytest

from vivavoce.audio.arrival_rate import ArrivalRate
from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat

CHANCE = random.Random(15)


def sent(ratio: float, *, seconds: float, jitter: float = 0.0, pause: float = 0.0) -> list[Finding]:
    """Chunks of 100 ms that arrive at ``ratio`` times real time, in jittered intervals."""
    audio = AudioFormat()
    rate, now, findings = ArrivalRate(audio), 0.0, []
    for number in range(int(seconds * 10 * ratio)):
        when = now + CHANCE.uniform(0, jitter)
        if finding := rate.take(audio.bytes_per_second // 10, when):
            findings.append(finding)
        now += 0.1 / ratio + (pause if number % 40 == 0 else 0)
    return findings


@pytest.mark.parametrize(
    ("ratio", "advice"),
    [(0.5, "sample_rate 8000"), (2, "sample_rate 32000 or channels 2"), (44.1 / 16, "44100")],
)
def test_a_steady_sender_of_another_rate_is_told_which(ratio: float, advice: str) -> None:
    findings = sent(ratio, seconds=25, jitter=0.01)
    assert findings
    assert all(finding.kind == "rate" and advice in finding.text for finding in findings)


@pytest.mark.parametrize("ratio", [1, 0.999, 0.92, 0.64, 0.45, 1.09, 1.5, 1.98, 2.03, 7, 60])
def test_any_other_pace_is_the_senders_own(ratio: float) -> None:
    assert not sent(ratio, seconds=60, jitter=0.01)


def test_a_sender_that_pauses_is_not_judged() -> None:
    assert not sent(0.6, seconds=60, pause=1.4)


def test_less_than_two_windows_are_not_enough() -> None:
    assert not sent(0.5, seconds=19)
