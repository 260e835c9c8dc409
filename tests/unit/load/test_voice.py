"""What streams say, byte by byte."""

from itertools import pairwise

import pytest

from vivavoce.audio.format import AudioFormat
from vivavoce.load.streams import SPREAD_SECONDS, delays
from vivavoce.load.voice import CHUNK_SECONDS, Voice

WIRE = AudioFormat(sample_rate=8000)
SECOND = 16_000


def speech(seconds: int) -> Voice:
    """A byte for each second, and none of them silence."""
    return Voice(b"".join(bytes([1 + at]) * SECOND for at in range(seconds)), WIRE)


def test_half_talk_is_silent_as_long_as_it_speaks() -> None:
    half = speech(10).talking(50, turn=5)
    assert half.seconds == 20
    assert half.audio[5 * SECOND : 10 * SECOND] == bytes(5 * SECOND)
    assert half.audio.count(0) == 10 * SECOND


def test_a_fifth_of_talk_keeps_every_word() -> None:
    fifth = speech(6).talking(20, turn=2)
    assert fifth.seconds == 30
    assert fifth.audio.replace(b"\0", b"") == speech(6).audio


def test_speech_that_is_too_short_begins_again() -> None:
    longer = speech(3).lasting(7)
    assert [longer.audio[at * SECOND] for at in range(7)] == [1, 2, 3, 1, 2, 3, 1]
    assert speech(3).lasting(2).audio == speech(2).audio


def test_streams_say_the_same_from_different_places_of_a_ring() -> None:
    voice = speech(10)
    turned = [voice.turned(number).audio for number in range(8)]
    assert turned[0] == voice.audio
    assert len(set(turned)) == 8
    assert all(audio in voice.audio * 2 for audio in turned)


@pytest.mark.parametrize("streams", [1, 2, 8, 30, 64])
def test_all_streams_begin_soon_and_no_two_send_at_the_same_moment(streams: int) -> None:
    found = delays(streams)
    assert max(found) < SPREAD_SECONDS + CHUNK_SECONDS
    phases = sorted(delay % CHUNK_SECONDS for delay in found)
    assert all(b - a > 1e-6 for a, b in pairwise(phases))
