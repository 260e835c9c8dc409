"""Bounds of one HTTP connection: how many bytes of framing a request has, and how long it takes."""

from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a request that are not its body: head, chunk-size lines and trailers together."""

MAX_HEAD_LINES = 100
"""Header and trailer lines of a request together."""

MAX_HANDSHAKE_LINE_BYTES = 8190
"""Bytes of a line in the head of a WebSocket handshake; the WebSocket library takes no longer."""

HEAD_SECONDS = 10.0
"""Time from the connection, or from the first byte of a later head, to the end of the head."""

REQUEST_SECONDS = 40.0
"""Time for the whole request: the head's 10 s and the 30 s that a route waits for its body."""

KEEP_ALIVE_SECONDS = 10.0
"""Time from a response to the first byte of the next head.

Longer than the 5 s for which common clients keep an idle connection: one that the server closes in
the moment in which a client uses it again costs that client its request.
"""

READER_SECONDS = 30.0
"""Time in which a client with data waiting for it must acknowledge some of it."""

LINGER_SECONDS = 2.0
"""Time in which input is discarded before a close, so that the client can read the response."""

MAX_DISCARDED_BYTES_PER_SECOND = 20 * 1024 * 1024
"""Bytes of such input that are read in a second, so that a flood does not occupy the server."""

MAX_BUFFERED_BODY_BYTES = 64 * 1024
"""Bytes of a body that wait for the application before the connection is read no further."""


@dataclass(frozen=True, slots=True)
class RequestBounds:
    """The bounds, in bytes, lines and seconds."""

    head_bytes: int = MAX_HEAD_BYTES
    head_lines: int = MAX_HEAD_LINES
    head_seconds: float = HEAD_SECONDS
    request_seconds: float = REQUEST_SECONDS
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    reader_seconds: float = READER_SECONDS
    linger_seconds: float = LINGER_SECONDS


class RequestFault(Exception):  # noqa: N818  a refused request, not an error of the server
    """A request that is refused before the application sees it, or while its body arrives.

    Attributes:
        status: the HTTP status of the answer.
        reason: the label that metrics and logs count it under.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


def malformed(message: str) -> RequestFault:
    """A request that does not follow HTTP/1.1."""
    return RequestFault(400, "malformed", message)


def too_large(bounds: RequestBounds) -> RequestFault:
    """A request whose head, chunk-size lines and trailers exceed their bounds."""
    return RequestFault(
        431,
        "head_too_large",
        f"head and trailers must be at most {bounds.head_bytes // 1024} KiB"
        f" and {bounds.head_lines} lines",
    )
