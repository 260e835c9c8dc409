"""When a client that sends no audio is asked, and when it counts as quiet; the clock is ours."""

import pytest

from vivavoce.session.mute_detector import (
    LONGEST_CHUNK_SECONDS,
    RECENT_CHUNKS,
    RETRY_SECONDS,
    Action,
    MuteDetector,
)

RATE = 32_000
PATIENCE = 1.0


def detector(*chunks: float, began: float = 0.0) -> MuteDetector:
    """A detector that has got chunks of so many seconds."""
    found = MuteDetector(PATIENCE, RATE, began)
    found.chunk_sizes.extend(round(seconds * RATE) for seconds in chunks)
    return found


def asked(detector: MuteDetector, audio_at: float, now: float) -> None:
    assert detector.poll(now, audio_at, settled=False) is Action.PING


def test_a_quiet_client_is_asked_once_and_a_pong_without_audio_marks_a_break() -> None:
    quiet = detector(0.1)
    assert quiet.poll(5.5, 5.0, settled=False) is Action.WAIT
    assert quiet.due == 6.0
    asked(quiet, 5.0, 6.0)
    assert quiet.poll(6.1, 5.0, settled=False) is Action.LISTEN
    answer = quiet.answered(6.2, 5.0, settled=False, pending=False)
    assert answer is Action.MARK


def test_audio_after_the_ping_takes_the_question_back() -> None:
    quiet = detector(0.1)
    asked(quiet, 5.0, 6.0)
    assert quiet.answered(6.2, 6.1, settled=False, pending=False) is Action.WAIT
    assert quiet.due == pytest.approx(7.1)


def test_where_nobody_speaks_nothing_is_asked_or_marked() -> None:
    quiet = detector(0.1)
    assert quiet.poll(6.0, 5.0, settled=True) is Action.LISTEN
    asked(quiet, 5.0, 6.0)
    assert quiet.answered(6.2, 5.0, settled=True, pending=False) is Action.LISTEN


@pytest.mark.parametrize("seconds", [0.02, 0.5, 1.0, 2.0, 5.0])
def test_the_pause_between_two_chunks_is_no_silence(seconds: float) -> None:
    quiet = detector(seconds, 0.02)
    pause = max(PATIENCE, 1.5 * seconds)
    assert quiet.poll(100 + 0.99 * pause, 100, settled=False) is Action.WAIT
    assert quiet.due == pytest.approx(100 + pause)
    asked(quiet, 100, quiet.due)


def test_a_poll_is_never_so_late_that_a_shorter_pause_would_be_missed() -> None:
    quiet = detector(5.0)
    assert quiet.poll(0.0, 0.0, settled=False) is Action.WAIT
    assert quiet.due <= PATIENCE


def test_long_chunks_are_forgotten_and_one_resent_in_one_go_delays_little() -> None:
    quiet = detector(2.0, *[0.1] * RECENT_CHUNKS)
    quiet.poll(5.0, 5.0, settled=False)
    assert quiet.due == 6.0
    quiet = detector(16 * 60)
    assert quiet.poll(16.9, 5.0, settled=False) is Action.WAIT
    asked(quiet, 5.0, 5 + 1.5 * LONGEST_CHUNK_SECONDS)


def test_a_client_that_comes_back_has_more_time_to_begin() -> None:
    quiet = detector(began=10.0)
    assert quiet.poll(12.9, 9.0, settled=False) is Action.WAIT
    asked(quiet, 9.0, 13.0)


def test_a_pong_that_was_held_up_is_asked_for_again_once() -> None:
    """What held it up, a stalled client above all, may hold audio up that it has yet to write."""
    quiet = detector(0.1)
    asked(quiet, 5.0, 6.0)
    assert quiet.answered(7.5, 5.0, settled=False, pending=False) is Action.WAIT
    assert quiet.due == 7.5 + RETRY_SECONDS
    asked(quiet, 5.0, quiet.due)
    assert quiet.answered(9.5, 5.0, settled=False, pending=False) is Action.MARK


def test_a_pong_that_overtakes_what_has_not_been_looked_at_decides_nothing() -> None:
    quiet = detector(0.1)
    for begin in (6.0, 7.0, 8.0):
        asked(quiet, 5.0, begin)
        assert quiet.answered(begin, 5.0, settled=False, pending=True) is Action.WAIT
    asked(quiet, 5.0, 9.0)
    assert quiet.answered(9.1, 5.0, settled=False, pending=False) is Action.MARK


def test_a_break_that_could_not_be_stored_is_asked_for_again() -> None:
    quiet = detector(0.1)
    asked(quiet, 5.0, 6.0)
    assert quiet.answered(6.1, 5.0, settled=False, pending=False) is Action.MARK
    quiet.retry(6.2, 1.0)
    assert quiet.poll(7.0, 5.0, settled=False) is Action.WAIT
    asked(quiet, 5.0, 7.2)
