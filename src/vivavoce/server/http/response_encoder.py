"""Encodes responses: status line, headers, and a body framed by length or in chunks."""

import re
from collections.abc import Iterable
from http import HTTPStatus

from vivavoce.server.http.request_head import RequestHead

_BAD_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]|^$")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = {204, 304}


class ResponseError(Exception):
    """The application has sent an invalid response; an internal error."""


def status_line(status: int) -> bytes:
    """Return the first line of a response."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the header lines.

    Raises:
        ResponseError: a name or value has characters that HTTP does not allow.
    """
    lines = []
    for name, value in headers:
        if _BAD_NAME.search(name) or _BAD_VALUE.search(value):
            raise ResponseError("a header has characters that HTTP does not allow")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)


class ResponseEncoder:
    """Encodes one response.

    Attributes:
        keeps_alive: whether the connection may carry another request afterwards.
        started: whether the head is encoded.
        complete: whether the body is encoded completely.
    """

    def __init__(self, request: RequestHead) -> None:
        self._request = request
        self.keeps_alive = request.keeps_alive
        self.started = False
        self.complete = False
        self._chunked = False
        self._left: int | None = None  # of the content length; None if there is none

    def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Encode the head; ``keeps_alive`` must be final by now."""
        if self.started:
            raise ResponseError("a response begins once")
        sent = [(name.lower(), value) for name, value in headers]
        self._frame(status, sent)
        if any(name == b"connection" and b"close" in value.lower() for name, value in sent):
            self.keeps_alive = False
        elif not self.keeps_alive:
            sent.append((b"connection", b"close"))
        self.started = True
        return b"".join([status_line(status), header_lines(sent), b"\r\n"])

    def _frame(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        lengths = [value for name, value in headers if name == b"content-length"]
        self._bodiless = self._request.method == "HEAD" or status in _BODILESS
        if lengths:
            self._left = int(lengths[0])
        elif not self._bodiless and self._request.version == "1.1":
            self._chunked = True
            headers[:] = [pair for pair in headers if pair[0] != b"transfer-encoding"]
            headers.append((b"transfer-encoding", b"chunked"))
        elif not self._bodiless:
            self.keeps_alive = False  # the close ends the body

    def body(self, data: bytes, *, more: bool) -> bytes:
        """Encode a piece of the body; the last one completes the response.

        Raises:
            ResponseError: the body differs from its content length, or is out of order.
        """
        if not self.started or self.complete:
            raise ResponseError("a body comes between the head and the end of a response")
        self.complete = not more
        if self._bodiless:
            return b""
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0 or (self._left and not more):
                raise ResponseError("the body is not as long as its content length says")
        return data
