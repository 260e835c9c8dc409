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
    """A detector that has received chunks of so many seconds."""
    found = MuteDetector(PATIENCE, RATE, began)
    found.chunk_sizes.extend(round(seconds * RATE) for seconds in chunks)
    return found


def asked(detector: MuteDetector, audio_at: float, now: float) -> None:
    """Poll right before and at the time of the ping."""
    assert detector.poll(now - 0.001, audio_at, settled=False, pending=False) is Action.WAIT
    assert detector.poll(now, audio_at, settled=False, pending=False) is Action.PING


def marked(detector: MuteDetector, audio_at: float, pong: float, now: float) -> None:
    """A pong comes, and a while later the break is due."""
    assert detector.answered(pong, audio_at, settled=False, pending=False) is Action.WAIT
    assert detector.poll(now - 0.001, audio_at, settled=False, pending=False) is Action.WAIT
    assert detector.poll(now + 0.001, audio_at, settled=False, pending=False) is Action.MARK


def test_a_quiet_client_is_asked_once_and_marked_at_the_end_of_the_pause() -> None:
    quiet = detector(0.1)
    assert quiet.poll(5.5, 5.0, settled=False, pending=False) is Action.WAIT
    assert quiet.due == pytest.approx(5.9)
    asked(quiet, 5.0, 5.9)
    assert quiet.poll(5.91, 5.0, settled=False, pending=False) is Action.LISTEN
    marked(quiet, 5.0, 5.95, 6.05)


def test_a_slow_line_is_marked_a_round_trip_after_the_pause() -> None:
    quiet = detector(0.1)
    asked(quiet, 5.0, 5.9)
    marked(quiet, 5.0, 6.5, 6.6)


def test_audio_after_the_ping_takes_the_question_back() -> None:
    quiet = detector(0.1)
    asked(quiet, 5.0, 5.9)
    assert quiet.answered(6.2, 6.1, settled=False, pending=False) is Action.WAIT
    asked(quiet, 6.1, 7.0)


def test_audio_right_after_the_pong_takes_it_back_as_well() -> None:
    """A client that was suspended answers first, and then sends what it has recorded."""
    quiet = detector(0.1)
    asked(quiet, 5.0, 5.9)
    assert quiet.answered(6.8, 5.0, settled=False, pending=False) is Action.WAIT
    assert quiet.poll(6.9, 6.81, settled=False, pending=False) is Action.WAIT
    asked(quiet, 6.81, 7.71)


def test_where_nobody_speaks_nothing_is_asked_or_marked() -> None:
    quiet = detector(0.1)
    assert quiet.poll(6.0, 5.0, settled=True, pending=False) is Action.LISTEN
    quiet = detector(0.1)
    asked(quiet, 5.0, 5.9)
    assert quiet.answered(6.2, 5.0, settled=True, pending=False) is Action.WAIT
    assert quiet.poll(6.3, 5.0, settled=True, pending=False) is Action.LISTEN


@pytest.mark.parametrize("seconds", [0.02, 0.5, 1.0, 2.0, 5.0])
def test_the_pause_between_two_chunks_is_no_silence(seconds: float) -> None:
    quiet = detector(seconds, 0.02)
    pause = max(PATIENCE, 1.5 * seconds)
    asked(quiet, 100, 100 + 0.9 * pause)
    marked(quiet, 100, 100 + 0.9 * pause, 100 + pause)


def test_a_poll_is_never_so_late_that_a_shorter_pause_would_be_missed() -> None:
    quiet = detector(5.0)
    assert quiet.poll(0.0, 0.0, settled=False, pending=False) is Action.WAIT
    assert quiet.due <= PATIENCE


def test_long_chunks_are_forgotten_and_one_resent_in_one_go_delays_little() -> None:
    asked(detector(2.0, *[0.1] * RECENT_CHUNKS), 5.0, 5.9)
    asked(detector(16 * 60), 5.0, 5 + 0.9 * 1.5 * LONGEST_CHUNK_SECONDS)


def test_a_client_that_comes_back_has_more_time_to_begin() -> None:
    asked(detector(began=10.0), 9.0, 12.7)


def test_a_pong_that_was_held_up_is_asked_for_again_once() -> None:
    """What held it up, a stalled client above all, may hold audio up that it has yet to write."""
    quiet = detector(0.1)
    asked(quiet, 5.0, 5.9)
    assert quiet.answered(7.5, 5.0, settled=False, pending=False) is Action.WAIT
    assert quiet.due == 7.5 + RETRY_SECONDS
    asked(quiet, 5.0, quiet.due)
    marked(quiet, 5.0, 9.5, 9.6)


def test_what_has_arrived_and_not_been_looked_at_comes_before_any_decision() -> None:
    quiet = detector(0.1)
    asked(quiet, 5.0, 5.9)
    assert quiet.answered(6.0, 5.0, settled=False, pending=True) is Action.WAIT
    asked(quiet, 5.0, 6.0 + RETRY_SECONDS)
    assert quiet.answered(6.3, 5.0, settled=False, pending=False) is Action.WAIT
    assert quiet.poll(6.5, 5.0, settled=False, pending=True) is Action.WAIT
    asked(quiet, 5.0, 6.5 + RETRY_SECONDS)
    marked(quiet, 5.0, 6.8, 6.9)


def test_a_break_that_could_not_be_stored_is_asked_for_again() -> None:
    quiet = detector(0.1)
    asked(quiet, 5.0, 5.9)
    marked(quiet, 5.0, 5.9, 6.0)
    quiet.retry(6.2, 1.0)
    asked(quiet, 5.0, 7.2)
