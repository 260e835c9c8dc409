"""A response as bytes."""

import pytest

from vivavoce.server.http.request_head import parse_head
from vivavoce.server.http.response_encoder import ResponseEncoder, ResponseError


def encoder(method: str = "GET", version: str = "1.1") -> ResponseEncoder:
    return ResponseEncoder(parse_head(f"{method} / HTTP/{version}\r\nHost: x\r\n\r\n".encode()))


def test_a_body_of_known_length_goes_as_it_is() -> None:
    found = encoder()
    assert found.start(200, [(b"Content-Length", b"4")]) == (
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
    )
    assert found.body(b"ab", more=True) + found.body(b"cd", more=False) == b"abcd"
    assert found.complete
    assert found.keeps_alive


def test_a_body_of_unknown_length_goes_in_chunks() -> None:
    found = encoder()
    assert b"transfer-encoding: chunked\r\n" in found.start(200, [])
    pieces = [found.body(b"a" * 10, more=True), found.body(b"", more=True)]
    assert pieces == [b"a\r\naaaaaaaaaa\r\n", b""]
    assert found.body(b"b", more=False) == b"1\r\nb\r\n0\r\n\r\n"


def test_an_old_client_knows_the_end_by_the_close() -> None:
    found = encoder(version="1.0")
    assert b"connection: close\r\n" in found.start(200, [])
    assert found.body(b"abc", more=False) == b"abc"
    assert not found.keeps_alive


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_responses_have_no_body(method: str, status: int) -> None:
    found = encoder(method)
    assert b"transfer-encoding" not in found.start(status, [])
    assert found.body(b"unsent", more=False) == b""
    assert found.keeps_alive


def test_an_application_may_close() -> None:
    found = encoder()
    found.start(200, [(b"connection", b"Close"), (b"content-length", b"0")])
    assert not found.keeps_alive


@pytest.mark.parametrize("body", [b"abcde", b"abc"])
def test_a_body_of_another_length_is_an_error(body: bytes) -> None:
    found = encoder()
    found.start(200, [(b"content-length", b"4")])
    with pytest.raises(ResponseError):
        found.body(body, more=False)


@pytest.mark.parametrize(
    "header", [(b"a", b"b\r\nc: d"), (b"a\r\n", b"b"), (b"", b"b"), (b"a b", b"c"), (b"a", b"\0")]
)
def test_no_header_breaks_the_head(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ResponseError):
        encoder().start(200, [header])


def test_parts_out_of_order_are_an_error() -> None:
    with pytest.raises(ResponseError):
        encoder().body(b"", more=False)
    found = encoder()
    found.start(204, [])
    with pytest.raises(ResponseError):
        found.start(204, [])
    found.body(b"", more=False)
    with pytest.raises(ResponseError):
        found.body(b"", more=False)
