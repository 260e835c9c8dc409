"""Exceptions of the SDK.

::

    VivavoceError
    ├── ApiError             the server refused an HTTP request
    ├── UnreachableError     the server did not respond
    ├── ProtocolError        the response is not of this protocol
    ├── SessionStateError    the session's state does not allow the call
    ├── BufferFullError      the limit on unacknowledged audio would be exceeded
    └── SessionClosedError   the connection ended permanently before the session finished
"""

from typing import Any

import msgspec


class VivavoceError(Exception):
    """Base class of all errors that the SDK raises itself."""


class ApiError(VivavoceError):
    """The server refused a request; ``faults`` has one text per wrong parameter.

    Attributes:
        status: HTTP status.
        message: the server's message.
        faults: the body's ``validation_errors``; empty if there are none.
        request_id: the server's id of the request, found in its logs; may be empty.
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
    """The server could not be reached, or did not respond in time."""


class ProtocolError(VivavoceError):
    """The server sent data that is not of this protocol."""


class SessionStateError(VivavoceError):
    """The session's state does not allow the call, such as audio after the stop."""


class BufferFullError(VivavoceError):
    """The audio would exceed the limit on unacknowledged audio."""


class SessionClosedError(VivavoceError):
    """The connection ended permanently before the session finished.

    Attributes:
        code: WebSocket close code, or the HTTP status that refused the handshake.
        reason: the reason, as text.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the session's connection was closed: {reason} ({code})")
        self.code = code
        self.reason = reason


MAX_EXCERPT = 200


class _Body(msgspec.Struct):
    """The fields of an error body that are shown to users."""

    message: str
    request_id: str = ""
    validation_errors: tuple[str, ...] = ()


def api_error(status: int, reason: str, content: bytes) -> ApiError:
    """Parse an error response, which may come from a proxy instead of the server."""
    try:
        body = msgspec.json.decode(content, type=_Body)
    except (msgspec.DecodeError, UnicodeError):
        return ApiError(status, excerpt(content) or reason)
    return ApiError(status, body.message, faults=body.validation_errors, request_id=body.request_id)


def excerpt(content: Any) -> str:
    """Return the beginning of ``content`` on one line, for an error's text."""
    text = content.decode(errors="replace") if isinstance(content, bytes) else str(content)
    text = " ".join(text.split())
    return text if len(text) <= MAX_EXCERPT else f"{text[:MAX_EXCERPT]}…"
