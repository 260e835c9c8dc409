"""Parses the head of a request: target, headers and framing of the body."""

from dataclasses import dataclass
from urllib.parse import unquote

import httptools

from vivavoce.server.http.bounds import MAX_HANDSHAKE_LINE_BYTES, RequestFault, malformed

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A head that follows HTTP/1.1.

    Attributes:
        target: the request target as it was sent.
        path: the path of the target, percent-decoded.
        raw_path: the path of the target as it was sent.
        query: the query of the target as it was sent.
        version: ``1.0`` or ``1.1``.
        headers: names in lower case, with their values, in order.
        keeps_alive: whether the client allows the connection to stay open.
        length: bytes of the body; None if it is chunked.
    """

    method: str
    target: bytes
    path: str
    raw_path: bytes
    query: bytes
    version: str
    headers: Headers
    keeps_alive: bool
    length: int | None

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header, in order."""
        return [value for other, value in self.headers if other == name]

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body."""
        return self.version == "1.1" and b"100-continue" in map(bytes.lower, self.values(b"expect"))

    @property
    def is_handshake(self) -> bool:
        """Whether the client requests a WebSocket; HTTP/1.0 has no upgrade."""
        return (
            self.version == "1.1"
            and b"upgrade" in _connection_options(self.headers)
            and b"websocket" in map(bytes.lower, self.values(b"upgrade"))
        )

    def check_handshake(self) -> None:
        """Refuse a handshake that the WebSocket library cannot read.

        Raises:
            RequestFault: the handshake has a body, a line that is too long, or is no GET.
        """
        if self.method != "GET":
            raise RequestFault(405, "handshake", "a WebSocket handshake must be a GET")
        if self.length != 0:
            raise RequestFault(400, "handshake", "a WebSocket handshake must have no body")
        longest = MAX_HANDSHAKE_LINE_BYTES - len(b"GET  HTTP/1.1")
        if len(self.target) > longest:
            raise RequestFault(414, "handshake", "the URL of the handshake is too long")
        if any(len(name) + len(value) > longest for name, value in self.headers):
            raise RequestFault(431, "handshake", "a header line of the handshake is too long")

    def to_bytes(self) -> bytes:
        """Return the head in canonical form."""
        parts = [self.method.encode(), b" ", self.target, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            parts += [name, b": ", value, b"\r\n"]
        return b"".join([*parts, b"\r\n"])


class _Callbacks:
    """Receives the parser's events of one head."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: Headers = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.complete = True


def parse_head(raw: bytes) -> RequestHead:
    """Parse a complete head.

    Raises:
        RequestFault: it does not follow HTTP/1.1, or uses an unsupported feature.
    """
    found = _Callbacks()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise malformed("the head of the request does not follow HTTP/1.1") from error
    if not found.complete:
        raise malformed("the head of the request does not follow HTTP/1.1")
    version = parser.get_http_version()
    if version not in {"1.0", "1.1"}:
        raise RequestFault(505, "unsupported", "this server speaks HTTP/1.1")
    raw_path, query = _split(found.target)
    return RequestHead(
        method=parser.get_method().decode("ascii"),
        target=found.target,
        path=unquote(raw_path.decode("ascii")),
        raw_path=raw_path,
        query=query,
        version=version,
        headers=found.headers,
        keeps_alive=version == "1.1" and b"close" not in _connection_options(found.headers),
        length=_body_length(found.headers),
    )


def _split(target: bytes) -> tuple[bytes, bytes]:
    """Return path and query of a request target."""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserError as error:
        raise malformed("the request target is no URL") from error
    path = url.path or b"/"
    if not path.isascii():
        raise malformed("the path must be percent-encoded")
    return path, url.query or b""


def _connection_options(headers: Headers) -> set[bytes]:
    """Return the options of ``Connection``, in lower case."""
    values = b",".join(value for name, value in headers if name == b"connection")
    return {option.strip() for option in values.lower().split(b",")}


def _body_length(headers: Headers) -> int | None:
    """Return the bytes of the body, or None if it is chunked."""
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    lengths = [value for name, value in headers if name == b"content-length"]
    if codings and lengths:
        raise malformed("a body has either a length or a transfer coding")
    if codings:
        if codings != [b"chunked"]:
            raise RequestFault(501, "unsupported", "the only transfer coding here is chunked")
        return None
    if len(lengths) > 1 or not all(length.isdigit() for length in lengths):
        raise malformed("the content length must be one number")
    return int(lengths[0]) if lengths else 0
