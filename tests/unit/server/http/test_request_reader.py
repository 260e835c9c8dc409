"""What the reader makes of the bytes of one connection."""

import pytest

from vivavoce.server.http.bounds import RequestBounds, RequestFault
from vivavoce.server.http.request_reader import Data, End, Event, Head, RequestReader

BOUNDS = RequestBounds(head_bytes=1000, head_lines=5)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 10_000


def reader() -> RequestReader:
    return RequestReader(BOUNDS)


def read(found: RequestReader, data: bytes, length: int | None = 0) -> list[Event]:
    """The events of some bytes; every head is followed by a body of a length, or of chunks."""
    found.receive(data)
    events: list[Event] = []
    while (event := found.next_event()) is not None:
        events.append(event)
        if isinstance(event, Head):
            found.expect_body(length)
    return events


def status(data: bytes, length: int | None = 0) -> int:
    with pytest.raises(RequestFault) as refused:
        read(reader(), data, length)
    return refused.value.status


def test_a_head_comes_whole_and_ends_a_request_without_a_body() -> None:
    assert read(reader(), HEAD) == [Head(HEAD), End()]


def test_a_head_without_its_end_gives_nothing() -> None:
    assert read(reader(), HEAD[:-1]) == []


def test_line_ends_before_a_head_begin_nothing() -> None:
    found = reader()
    assert read(found, b"\r\n\r\n\n") == []
    assert not found.begun
    assert read(found, HEAD) == [Head(HEAD), End()]
    assert found.begun


def test_line_ends_before_a_head_count() -> None:
    assert status(b"\r\n" * 501) == 431


@pytest.mark.parametrize(
    "flood",
    [
        b"x" * LARGE,
        b"GET / HTTP/1.1\r\n" + b"a" * LARGE,
        b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * LARGE,
        b"GET /" + b"x" * 1000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 6 + b"\r\n",
    ],
    ids=["a line", "a header", "headers", "a whole head", "lines of a whole head"],
)
def test_a_head_over_its_bounds_is_refused(flood: bytes) -> None:
    assert status(flood) == 431


def test_a_head_at_its_bounds_is_read() -> None:
    lines = b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 4
    head = lines + b"c:" + b"d" * (1000 - len(lines) - 6) + b"\r\n\r\n"
    assert len(head) == 1000
    assert read(reader(), head) == [Head(head), End()]


def test_a_body_has_its_length_and_what_follows_waits_for_its_turn() -> None:
    found = reader()
    assert read(found, HEAD + b"body" + HEAD, 4) == [Head(HEAD), Data(b"body"), End()]
    assert found.has_surplus
    found.next_request()
    assert read(found, b"") == [Head(HEAD), End()]
    assert not found.has_surplus


def test_what_follows_a_head_can_be_taken_as_it_is() -> None:
    found = reader()
    found.receive(HEAD + b"\x81\x00")
    assert found.next_event() == Head(HEAD)
    assert found.next_event() is None
    assert found.take_rest() == b"\x81\x00"


def test_chunks_come_without_their_framing_and_trailers_are_dropped() -> None:
    chunks = b"3;name=value\r\nabc\r\nA \r\n0123456789\r\n0\r\nx: y\r\n\r\n"
    assert read(reader(), HEAD + chunks, None) == [
        Head(HEAD),
        Data(b"abc"),
        Data(b"0123456789"),
        End(),
    ]


@pytest.mark.parametrize(
    "chunks",
    [
        *(b"x\r\n", b"\r\n", b"-1\r\n", b"0x1\r\n", b"1\n", b"f" * 16 + b"\r\n"),
        *(b"1\r\nab", b"1\r\na\n\n", b"1;a\nb\r\n", b"1;a\rb\r\n", b"1;\0\r\n", b"1 a\r\n"),
    ],
)
def test_wrong_chunks_are_refused(chunks: bytes) -> None:
    assert status(HEAD + chunks + b"\r\n", None) == 400


@pytest.mark.parametrize(
    "flood",
    [
        b"0\r\n" + b"a:b\r\n" * LARGE,
        b"0\r\na:" + b"b" * LARGE,
        b"1;" + b"x" * LARGE,
        b"1" * LARGE,
        b"1\r\na\r\n" * LARGE,
        b"0\r\n" + b"a:b\r\n" * 5 + b"\r\n",
    ],
    ids=["trailers", "a trailer", "an extension", "a size", "tiny chunks", "lines of both"],
)
def test_framing_over_its_bounds_is_refused(flood: bytes) -> None:
    assert status(HEAD + flood, None) == 431


def test_a_body_does_not_count_as_framing() -> None:
    body = b"%x\r\n" % LARGE + b"b" * LARGE + b"\r\n0\r\n\r\n"
    assert read(reader(), HEAD + body, None) == [Head(HEAD), Data(b"b" * LARGE), End()]
