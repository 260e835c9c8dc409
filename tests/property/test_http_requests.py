"""However a stream of requests is cut, the reader gives the same requests and the same verdict."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from vivavoce.server.http.bounds import RequestBounds, RequestFault
from vivavoce.server.http.request_head import parse_head
from vivavoce.server.http.request_reader import Data, Head, RequestReader

BOUNDS = RequestBounds(head_bytes=200, head_lines=8)

ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
words = st.text("ab:; \t0f\0\xff", max_size=8).map(lambda text: text.encode("latin-1"))
headers = st.sampled_from(
    [b"a: b", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"x" * 90, b"Host: h"]
)
lines = st.builds(bytes.__add__, st.one_of(headers, words), ends)
first = st.sampled_from([b"GET / HTTP/1.1\r\n", b"POST /a HTTP/1.1\r\n", b"\r\n", b"x"])
blank = st.sampled_from([b"\r\n", b"\n", b""])
chunk = st.builds(
    lambda body, extension: b"%x%b\r\n%b\r\n" % (len(body), extension, body),
    st.binary(max_size=20),
    st.sampled_from([b"", b"", b";a=b", b"; " + b"x" * 60]),
)
bodies = st.one_of(
    st.binary(max_size=12),
    st.lists(chunk, max_size=6).map(lambda chunks: b"".join(chunks) + b"0\r\n\r\n"),
    st.lists(lines, max_size=12).map(lambda trailers: b"0\r\n" + b"".join(trailers) + b"\r\n"),
)
requests = st.builds(
    lambda start, fields, gap, body: start + b"".join(fields) + gap + body,
    first,
    st.lists(lines, max_size=10),
    blank,
    bodies,
)
streams = st.lists(requests, min_size=1, max_size=3).map(b"".join)
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=10)


def outcome(pieces: list[bytes]) -> tuple[list[Any], int | None]:
    """Whole requests, the part of one, and the status of a refusal."""
    reader, found = RequestReader(BOUNDS), list[Any]()
    try:
        for piece in pieces:
            reader.receive(piece)
            while (event := reader.next_event()) is not None or reader.whole:
                if event is None:
                    found.append("end")
                    reader.next_request()
                elif isinstance(event, Head):
                    head = parse_head(event.raw)
                    found.append([head, b""])
                    reader.expect_body(head.length)
                elif isinstance(event, Data):
                    found[-1][1] += event.body
    except RequestFault as fault:
        return found, fault.status
    return found, None


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    """The stream in pieces, sizes taken in turn."""
    pieces, at, turn = [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        pieces.append(stream[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


@given(streams, cuts)
@example(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" * 2, [1])
def test_cuts_change_nothing(stream: bytes, sizes: list[int]) -> None:
    whole, verdict = outcome([stream])
    pieces, same = outcome(cut(stream, sizes))
    assert same == verdict
    # Of a body that is refused at its end, a part may have been given out before.
    assert pieces == whole or (verdict is not None and len(pieces) == len(whole))


@given(st.binary(max_size=400), cuts)
def test_no_bytes_are_a_crash_or_kept_beyond_the_bounds(stream: bytes, sizes: list[int]) -> None:
    outcome(cut(stream, sizes))


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=8), st.binary(max_size=8), cuts)
def test_a_body_in_chunks_arrives_whole(parts: list[bytes], rest: bytes, sizes: list[int]) -> None:
    body = b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    reader = RequestReader(RequestBounds())
    reader.expect_body(None)
    arrived = b""
    for piece in cut(body + rest, sizes):
        reader.receive(piece)
        while (event := reader.next_event()) is not None:
            arrived += event.body if isinstance(event, Data) else b""
    assert reader.whole
    assert arrived == b"".join(parts)
    assert reader.take_rest() == rest
