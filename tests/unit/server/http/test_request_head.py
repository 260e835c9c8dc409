"""What a head asks for."""

import pytest

from vivavoce.server.http.bounds import RequestFault
from vivavoce.server.http.request_head import RequestHead, parse_head

UPGRADE = b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"


def head(*lines: bytes, first: bytes = b"POST /a%20b?c=d%26 HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"Host: x", *lines, b"", b""])


def fault(raw: bytes) -> int:
    with pytest.raises(RequestFault) as refused:
        parse_head(raw)
    return refused.value.status


def test_a_head_is_parsed() -> None:
    assert parse_head(head(b"Content-Length: 7", b"A: b")) == RequestHead(
        method="POST",
        target=b"/a%20b?c=d%26",
        path="/a b",
        raw_path=b"/a%20b",
        query=b"c=d%26",
        version="1.1",
        headers=[(b"host", b"x"), (b"content-length", b"7"), (b"a", b"b")],
        keeps_alive=True,
        length=7,
    )


def test_an_absolute_url_is_asked_for_by_its_path() -> None:
    found = parse_head(head(first=b"GET http://other:1/health?a HTTP/1.1"))
    assert (found.path, found.query) == ("/health", b"a")


@pytest.mark.parametrize(
    ("lines", "length"),
    [([], 0), ([b"Content-Length: 0"], 0), ([b"Transfer-Encoding: Chunked"], None)],
)
def test_a_body_has_a_length_or_comes_in_chunks(lines: list[bytes], length: int | None) -> None:
    assert parse_head(head(*lines)).length == length


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: 1", b"Content-Length: 1"],
        [b"Content-Length: 1", b"Content-Length: 2"],
        [b"Content-Length: -1"],
        [b"Content-Length: 1, 1"],
        [b"Content-Length: \xb2"],
        [b"Content-Length:"],
        [b"Content-Length: 1", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 1"],
        [b"a b: c"],
        [b": c"],
        [b"a: b\0"],
        [b"a: b", b" folded"],
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(lines: list[bytes]) -> None:
    assert fault(head(*lines)) == 400


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"chunked, chunked", b"identity", b"gzip"])
def test_other_transfer_codings_are_not_offered(coding: bytes) -> None:
    assert fault(head(b"Transfer-Encoding: " + coding)) in {400, 501}


def test_two_transfer_codings_are_not_offered() -> None:
    twice = head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")
    assert fault(twice) in {400, 501}


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (b"GET / HTTP/2.0", 505),
        (b"PRI * HTTP/2.0", 400),
        (b"GET /", 505),
        (b"GET / HTTP/1.7", 400),
        (b"NONSENSE / HTTP/1.1", 400),
        (b"GET /\xc3\xbc HTTP/1.1", 400),
        (b"CONNECT example.org:443 HTTP/1.1", 400),
        (b"\x16\x03\x01 / HTTP/1.1", 400),
    ],
)
def test_a_request_line_that_does_not_fit_is_refused(first: bytes, status: int) -> None:
    assert fault(head(first=first)) == status


def test_lines_that_end_without_a_carriage_return_are_refused() -> None:
    assert fault(b"GET / HTTP/1.1\nHost: x\n\n") == 400


@pytest.mark.parametrize(
    ("first", "lines", "kept"),
    [
        (b"GET / HTTP/1.1", [], True),
        (b"GET / HTTP/1.1", [b"Connection: close"], False),
        (b"GET / HTTP/1.0", [], False),
        (b"GET / HTTP/1.0", [b"Connection: keep-alive"], False),
    ],
)
def test_the_connection_stays_as_the_client_says(
    first: bytes, lines: list[bytes], *, kept: bool
) -> None:
    assert parse_head(head(*lines, first=first)).keeps_alive == kept


def test_a_handshake_is_told_from_a_request() -> None:
    first = b"GET /v2/live HTTP/1.1"
    assert parse_head(head(UPGRADE[:-2], first=first)).is_handshake
    assert not parse_head(head(b"Upgrade: websocket", first=first)).is_handshake
    other = parse_head(head(b"Connection: upgrade", b"Upgrade: h2c", first=first))
    assert not other.is_handshake
    old = parse_head(head(UPGRADE[:-2], first=b"GET /v2/live HTTP/1.0"))
    assert not old.is_handshake


@pytest.mark.parametrize(
    ("first", "line", "status"),
    [
        (b"POST / HTTP/1.1", b"a: b", 405),
        (b"GET / HTTP/1.1", b"Content-Length: 5", 400),
        (b"GET / HTTP/1.1", b"Transfer-Encoding: chunked", 400),
        (b"GET /" + b"x" * 8200 + b" HTTP/1.1", b"a: b", 414),
        (b"GET / HTTP/1.1", b"a: " + b"b" * 8200, 431),
    ],
)
def test_a_handshake_that_the_websocket_side_cannot_read_is_refused(
    first: bytes, line: bytes, status: int
) -> None:
    found = parse_head(head(UPGRADE[:-2], line, first=first))
    assert found.is_handshake
    with pytest.raises(RequestFault) as refused:
        found.check_handshake()
    assert refused.value.status == status


def test_white_space_around_a_value_is_no_part_of_it() -> None:
    spaced = [b"Host: a", b"Upgrade:   websocket \t", b"Connection:\tUpgrade  "]
    found = parse_head(b"\r\n".join([b"GET / HTTP/1.1", *spaced, b"", b""]))
    assert found.headers == [
        (b"host", b"a"),
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
    ]
    assert found.is_handshake


def test_a_handshake_is_handed_on_in_its_plainest_form() -> None:
    found = parse_head(head(UPGRADE[:-2], b"Content-Length: 0", first=b"GET /a?b HTTP/1.1"))
    found.check_handshake()
    assert parse_head(found.to_bytes()) == found
