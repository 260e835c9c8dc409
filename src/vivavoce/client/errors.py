"""What can go wrong for a user of the SDK.

::

    VivavoceError
    ├── ApiError             the server refused an HTTP request
    ├── UnreachableError     no answer came
    ├── ProtocolError        what came is not the protocol
    ├── SessionStateError    a call that the session's state does not allow
    ├── BufferFullError      more audio than may wait for acknowledgement
    └── SessionClosedError   the socket was closed for good before the session finished
"""

from typing import Any

import msgspec


class VivavoceError(Exception):
    """Base of every error that the SDK raises on purpose."""


class ApiError(VivavoceError):
    """The server refused a request; ``faults`` has one text per wrong parameter.

    Attributes:
        status: HTTP status.
        message: what the server says.
        faults: the body's ``validation_errors``, empty where there are none.
        request_id: the server's name for the request, for its logs; may be empty.
    """

    def __init__(
        self, status: int, message: str, *, faults: tuple[str, ...] = (), request_id: str = ""
    ) -> None:
        details = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(f"{message} (HTTP {status}){details}")
        self.status = status
        self.message = message
        self.faults = faults
        self.request_id = request_id


class UnreachableError(VivavoceError):
    """The server could not be reached, or did not answer in time."""


class ProtocolError(VivavoceError):
    """The server sent something that this protocol does not have."""


class SessionStateError(VivavoceError):
    """The call makes no sense now, such as audio after the stop."""


class BufferFullError(VivavoceError):
    """The audio would exceed the bound on what waits for acknowledgement."""


class SessionClosedError(VivavoceError):
    """The connection is over for good, and not because the session finished.

    Attributes:
        code: WebSocket close code, or the HTTP status that refused the handshake.
        reason: why, in words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the session's connection was closed: {reason} ({code})")
        self.code = code
        self.reason = reason


MAX_EXCERPT = 200


class _Body(msgspec.Struct):
    """The fields of an error body that a person needs."""

    message: str
    request_id: str = ""
    validation_errors: tuple[str, ...] = ()


def api_error(status: int, reason: str, content: bytes) -> ApiError:
    """Read an error answer, also one that a proxy wrote instead of the server."""
    try:
        body = msgspec.json.decode(content, type=_Body)
    except (msgspec.DecodeError, UnicodeError):
        return ApiError(status, excerpt(content) or reason)
    return ApiError(status, body.message, faults=body.validation_errors, request_id=body.request_id)


def excerpt(content: Any) -> str:
    """The beginning of ``content`` on one line, for an error's text."""
    text = content.decode(errors="replace") if isinstance(content, bytes) else str(content)
    text = " ".join(text.split())
    return text if len(text) <= MAX_EXCERPT else f"{text[:MAX_EXCERPT]}…"
