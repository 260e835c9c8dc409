"""When the time of a request, or the patience with a reader, is over."""

from vivavoce.server.http.bounds import RequestBounds
from vivavoce.server.http.clocks import Phase, ReaderWatch, RequestClock

BOUNDS = RequestBounds(head_seconds=10, request_seconds=40, keep_alive_seconds=5, linger_seconds=2)


def clock() -> RequestClock:
    return RequestClock(BOUNDS, 100.0)


def test_the_first_head_has_its_time_from_the_connection_on() -> None:
    found = clock()
    found.head_begun(109.0)
    assert (found.phase, found.deadline) == (Phase.HEAD, 110.0)


def test_the_whole_request_has_its_time_from_where_the_head_began() -> None:
    found = clock()
    found.head_read(105.0)
    assert (found.phase, found.deadline) == (Phase.BODY, 140.0)


def test_the_application_has_no_deadline_here() -> None:
    found = clock()
    found.head_read(105.0)
    found.request_read()
    assert (found.phase, found.deadline) == (Phase.RESPONSE, None)


def test_a_later_head_has_its_time_from_its_first_byte_on() -> None:
    found = clock()
    found.head_read(105.0)
    found.request_read()
    found.answered(200.0)
    assert (found.phase, found.deadline) == (Phase.IDLE, 205.0)
    found.head_begun(204.0)
    found.head_begun(206.0)
    assert (found.phase, found.deadline) == (Phase.HEAD, 214.0)


def test_a_later_request_that_comes_in_one_piece_has_all_its_time() -> None:
    found = clock()
    found.head_read(105.0)
    found.request_read()
    found.answered(200.0)
    found.head_read(203.0)
    assert (found.phase, found.deadline) == (Phase.BODY, 243.0)


def test_an_end_of_a_body_does_not_stop_the_close() -> None:
    found = clock()
    found.head_read(105.0)
    found.linger(120.0)
    found.request_read()
    assert (found.phase, found.deadline) == (Phase.LINGER, 122.0)


def test_a_reader_that_takes_nothing_is_stalled() -> None:
    watch = ReaderWatch(30, 0.0)
    assert not watch.is_stalled(3.0, 1000)
    assert not watch.is_stalled(32.9, 1000)
    assert watch.is_stalled(33.0, 1000)


def test_a_reader_that_takes_a_byte_now_and_then_never_is() -> None:
    watch = ReaderWatch(30, 0.0)
    assert not any(watch.is_stalled(29.0 * turn, turn) for turn in range(100))
