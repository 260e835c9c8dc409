"""Where a client's audio begins: every kind of sound, and every kind of loss."""

import random
from collections.abc import Iterator
from typing import cast

import pytest

from vivavoce.session.resume import (
    BLOCK,
    MOST_RECENT,
    Known,
    More,
    Overlap,
    Read,
    Start,
    common_prefix,
    common_suffix,
    find_start,
)

CHUNK = 3200
"""100 ms at 16 kHz."""


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


class Reader:
    """Runs ``find_start`` over stored audio and notes what it took."""

    def __init__(self, stored: bytes, handed: int, *boundaries: int) -> None:
        self._stored = stored
        self.known = Known(len(stored), handed, boundaries or (0,))
        self.reads: list[Read] = []
        self.taken = 0

    def __call__(self, resent: bytes, piece: int = CHUNK) -> Start:
        pieces = list(batched_bytes(resent, piece))
        finding = find_start(self.known)
        request = next(finding)
        while True:
            answer: bytes | None
            if isinstance(request, More):
                answer = pieces.pop(0) if pieces else None
                self.taken += len(answer or b"")
            else:
                self.reads.append(request)
                answer = self._stored[request.start : request.end]
            try:
                request = finding.send(answer)
            except StopIteration as found:
                return cast("Start", found.value)


def batched_bytes(audio: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(audio), size):
        yield audio[at : at + size]


SPEECH = noise(40 * CHUNK)


def chunks(count: int) -> tuple[int, ...]:
    return tuple(range(0, count * CHUNK + 1, CHUNK))


@pytest.mark.parametrize("piece", [160, 640, CHUNK, 512 * 1024])
@pytest.mark.parametrize("begins", [0, 10, 17, 19, 20])
@pytest.mark.parametrize("handed", [17, 20])
def test_speech_is_found_where_it_is_wherever_the_acks_went(
    begins: int, handed: int, piece: int
) -> None:
    reader = Reader(SPEECH[: 20 * CHUNK], handed * CHUNK, *chunks(handed - 1))
    assert reader(SPEECH[begins * CHUNK :], piece) == Start(begins * CHUNK)
    assert reader.taken <= max(piece, 160)  # decided by the first bytes: nothing is held


def test_a_client_that_just_goes_on_is_taken_at_its_word_at_once() -> None:
    reader = Reader(SPEECH[: 20 * CHUNK], 20 * CHUNK, *chunks(19))
    assert reader(noise(CHUNK, 1)) == Start(20 * CHUNK)
    assert reader.taken == CHUNK


def test_in_silence_the_last_ack_that_left_decides_and_doubt_is_counted() -> None:
    stored = bytes(20 * CHUNK)
    assert Reader(stored, 17 * CHUNK, *chunks(16))(bytes(5 * CHUNK)) == Start(
        17 * CHUNK, ambiguous=True
    )
    assert Reader(stored, 20 * CHUNK, *chunks(19))(bytes(CHUNK)).ambiguous


def test_silence_before_speech_is_held_until_the_speech_tells() -> None:
    stored = SPEECH[: 5 * CHUNK] + bytes(3 * CHUNK) + SPEECH[5 * CHUNK : 7 * CHUNK]
    resent = bytes(CHUNK) + SPEECH[5 * CHUNK : 9 * CHUNK]
    reader = Reader(stored, len(stored), *chunks(9))
    assert reader(resent) == Start(7 * CHUNK)
    assert reader.taken == 2 * CHUNK


def test_speech_between_two_silences_is_not_taken_for_the_second() -> None:
    told = bytes(CHUNK) + SPEECH[:CHUNK]
    stored = noise(CHUNK, 1) + told + bytes(CHUNK)
    reader = Reader(stored, 3 * CHUNK, *chunks(2))
    assert reader(told + bytes(CHUNK) + noise(CHUNK, 2)) == Start(CHUNK)


@pytest.mark.parametrize("period", [64, 320, 6400])
def test_a_tone_goes_on_where_the_last_ack_was(period: int) -> None:
    tone = noise(period) * (100 * CHUNK // period)
    for handed in (20, 19, 17):
        reader = Reader(tone[: 20 * CHUNK], handed * CHUNK, *chunks(handed - 1))
        assert reader(tone[handed * CHUNK : 30 * CHUNK]).position == handed * CHUNK


def test_a_tone_that_comes_in_another_phase_is_sent_again() -> None:
    tone = noise(2 * CHUNK) * 30  # acks in two phases
    reader = Reader(tone[: 20 * CHUNK], 20 * CHUNK, *chunks(19))
    assert reader(tone[19 * CHUNK : 25 * CHUNK]).position == 19 * CHUNK


@pytest.mark.parametrize("seconds", [2, 20, 100])
def test_a_loop_that_goes_on_is_new_audio(seconds: int) -> None:
    loop = noise(seconds * 10 * CHUNK)
    stored = loop + loop[: len(loop) // 3]
    reader = Reader(stored, len(stored), *chunks(len(stored) // CHUNK - 1))
    assert reader(loop[len(loop) // 3 :][: 10 * CHUNK]).position == len(stored)


@pytest.mark.parametrize("seconds", [5, 45, 300])
def test_acks_lost_on_a_half_open_line_are_found_far_back_in_bounded_memory(seconds: int) -> None:
    stored = noise(310 * 10 * CHUNK)
    begins = len(stored) - seconds * 10 * CHUNK
    reader = Reader(stored, len(stored), 0)
    assert reader(stored[begins:][:CHUNK]) == Start(begins)
    assert max(read.end - read.start for read in reader.reads) <= BLOCK


def test_audio_without_any_ack_is_bounded_too() -> None:
    stored = noise(310 * 10 * CHUNK)
    reader = Reader(stored, 0)
    begins = len(stored) - 4 * BLOCK
    assert reader(stored[begins:][:CHUNK]) == Start(begins)
    assert max(read.end - read.start for read in reader.reads) <= MOST_RECENT


def test_after_a_restart_the_audio_alone_tells() -> None:
    reader = Reader(SPEECH[: 20 * CHUNK], 20 * CHUNK)
    begins = 18 * CHUNK + 1234  # several appends became one row: no border is known
    assert reader(SPEECH[begins:]) == Start(begins)


def test_audio_that_is_nowhere_goes_to_the_end_though_acks_are_missing() -> None:
    reader = Reader(SPEECH[: 20 * CHUNK], 17 * CHUNK, *chunks(16))
    assert reader(noise(CHUNK, 1)) == Start(20 * CHUNK)


def test_a_client_that_falls_silent_is_not_waited_for() -> None:
    reader = Reader(SPEECH[: 20 * CHUNK], 17 * CHUNK, *chunks(16))
    assert reader(SPEECH[17 * CHUNK :][:10]) == Start(17 * CHUNK)


@pytest.mark.parametrize("size", [1, 100, CHUNK, 5 * CHUNK])
def test_what_is_stored_is_skipped_and_the_rest_is_new(size: int) -> None:
    stored, again = SPEECH[: 20 * CHUNK], SPEECH[17 * CHUNK : 25 * CHUNK]
    overlap = Overlap(17 * CHUNK, len(stored))
    matched = 0
    for piece in batched_bytes(again, size):
        if overlap.over:
            break
        wanted = overlap.wanted(len(piece))
        matched += overlap.match(piece, stored[wanted.start : wanted.end])
    assert matched == 3 * CHUNK
    assert not overlap.differs


def test_other_bytes_than_before_are_noticed_and_kept_from_there() -> None:
    stored = SPEECH[: 20 * CHUNK]
    again = bytearray(stored[17 * CHUNK :])
    again[5000] ^= 1
    overlap = Overlap(17 * CHUNK, len(stored))
    wanted = overlap.wanted(len(again))
    assert overlap.match(bytes(again), stored[wanted.start : wanted.end]) == 5000
    assert overlap.over
    assert overlap.differs


def test_common_ends_are_counted() -> None:
    assert common_prefix(b"abcd", b"abxd") == 2
    assert common_prefix(b"abc", b"abcd") == 3
    assert common_prefix(b"", b"a") == 0
    assert common_suffix(b"xbc", b"bc") == 2
    assert common_suffix(b"a", b"b") == 0


def test_audio_that_is_played_again_after_its_acks_were_read_is_new() -> None:
    """A second call over one session was taken for a resend of the first, and not stored."""
    stored = SPEECH[: 20 * CHUNK]
    known = Known(len(stored), 20 * CHUNK, chunks(19), confirmed=20 * CHUNK)
    reader = Reader(stored, 20 * CHUNK)
    reader.known = known
    assert reader(SPEECH) == Start(20 * CHUNK)


@pytest.mark.parametrize("again", [17, 18, 19])
def test_only_what_may_be_unread_is_searched(again: int) -> None:
    reader = Reader(SPEECH[: 20 * CHUNK], 20 * CHUNK)
    reader.known = Known(20 * CHUNK, 20 * CHUNK, chunks(19), confirmed=17 * CHUNK)
    assert reader(SPEECH[again * CHUNK :]) == Start(again * CHUNK)
    assert reader(SPEECH[: 5 * CHUNK]) == Start(20 * CHUNK)


def test_older_audio_is_not_searched_where_its_acks_were_read() -> None:
    stored = noise(3 * MOST_RECENT, seed=1)
    reader = Reader(stored, len(stored))
    reader.known = Known(len(stored), len(stored), (0,), confirmed=len(stored) - CHUNK)
    assert reader(stored[:CHUNK]) == Start(len(stored))
    assert len(reader.reads) == 1
