from vivavoce.session.pacing import CREDIT, Pace


def test_live_speech_is_spoken_when_it_comes() -> None:
    pace = Pace()
    assert [pace.spoken(second, 100.0 + second) for second in range(5)] == [
        100.0 + second for second in range(5)
    ]


def test_a_file_is_spoken_at_the_pace_of_speech() -> None:
    pace = Pace()
    spoken = [pace.spoken(minute * 60.0, 100.0) for minute in range(4)]
    assert spoken == [100.0, 160.0 - CREDIT, 220.0 - CREDIT, 280.0 - CREDIT]


def test_what_a_line_held_up_for_a_moment_is_not_late_for_that() -> None:
    pace = Pace()
    pace.spoken(0.0, 100.0)
    assert pace.spoken(4.0, 100.5) == 100.5


def test_a_pause_of_an_hour_buys_no_more_than_a_moments() -> None:
    pace = Pace()
    pace.spoken(1.0, 100.0)
    pace.spoken(2.0, 3700.0)
    assert pace.spoken(602.0, 3700.0) == 3700.0 + 600.0 - CREDIT


def test_a_session_that_goes_on_after_a_restart_begins_anew() -> None:
    pace = Pace()
    assert pace.spoken(5000.0, 100.0) == 100.0
    assert pace.spoken(5060.0, 100.0) == 160.0 - CREDIT
