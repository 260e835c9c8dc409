"""Bounds of one HTTP connection: bytes of framing of a request, and time limits."""

from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a request that are not its body: head, chunk-size lines and trailers together."""

MAX_HEAD_LINES = 100
"""Header and trailer lines of a request together."""

MAX_HANDSHAKE_LINE_BYTES = 8190
"""Bytes of a line in the head of a WebSocket handshake: the limit of the WebSocket library."""

HEAD_SECONDS = 10.0
"""Time from the connection, or from the first byte of a later head, to the end of the head."""

REQUEST_SECONDS = 40.0
"""Time for the whole request: the head's 10 s and the 30 s that a route waits for its body."""

KEEP_ALIVE_SECONDS = 10.0
"""Time from a response to the first byte of the next head.

Longer than the 5 s for which common clients keep an idle connection: if the server closes it just
as the client reuses it, the request fails.
"""

READER_SECONDS = 30.0
"""Time in which a client with data waiting for it must acknowledge some of it."""

LINGER_SECONDS = 2.0
"""Time in which input is discarded before a close, so that the client can read the response."""

MAX_DISCARDED_BYTES_PER_SECOND = 20 * 1024 * 1024
"""Discarded bytes that are read in a second, so that a flood does not occupy the server."""

MAX_BUFFERED_BODY_BYTES = 64 * 1024
"""Bytes of a body that are buffered for the application; above it reading pauses."""


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


class RequestFault(Exception):  # noqa: N818  a refused request, not a server error
    """A request that is refused before the application sees it, or while its body arrives.

    Attributes:
        status: the HTTP status of the response.
        reason: its label in metrics and logs.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


def malformed(message: str) -> RequestFault:
    """Return the fault of a request that does not follow HTTP/1.1."""
    return RequestFault(400, "malformed", message)


def too_large(bounds: RequestBounds) -> RequestFault:
    """Return the fault of a request whose head, chunk-size lines and trailers are too large."""
    return RequestFault(
        431,
        "head_too_large",
        f"head and trailers must be at most {bounds.head_bytes // 1024} KiB"
        f" and {bounds.head_lines} lines",
    )
