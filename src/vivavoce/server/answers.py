"""HTTP responses in JSON, errors included. Contract §1.5."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from vivavoce.archive import port as archive
from vivavoce.delivery.ledger import LedgerError
from vivavoce.journal import port as journal
from vivavoce.protocol.errors import ApiError, request_id
from vivavoce.protocol.validation import InvalidParametersError, MalformedJsonError
from vivavoce.session.ports import Clock

JSON = "application/json"
RETRY_SECONDS = 5
PIECE = 256 * 1024

REFUSALS: tuple[type[Exception], ...] = (
    ApiError,
    InvalidParametersError,
    MalformedJsonError,
    HTTPException,
    archive.UnavailableError,
    journal.UnavailableError,
    LedgerError,
    ClientDisconnect,
)
"""Exceptions by which a route refuses a request; any other is an internal error."""

ExceptionHandler = Callable[[Request, Exception], Awaitable[Response]]


def json_answer(value: Any, status: int = 200) -> Response:
    """Return a JSON response with a value of the protocol."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


async def long_json_answer(value: Any) -> Response:
    """Return a JSON response of possibly megabytes: encoded in a thread, sent in pieces."""
    body = await asyncio.to_thread(msgspec.json.encode, value)
    headers = {"content-length": str(len(body))}
    return StreamingResponse(_pieces(body), media_type=JSON, headers=headers)


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    whole = memoryview(body)
    for start in range(0, len(body), PIECE):
        yield whole[start : start + PIECE]


def as_api_error(error: Exception, request: Request) -> ApiError:
    """Convert an exception to the error that the client receives."""
    match error:
        case ApiError():
            return error
        case InvalidParametersError():
            return ApiError(400, "Invalid parameter(s)", faults=error.faults)
        case MalformedJsonError() | ClientDisconnect():
            return ApiError(400, str(error))  # a client that left is not an internal error
        case archive.UnavailableError() | journal.UnavailableError() | LedgerError():
            return ApiError(503, str(error), retry_after=RETRY_SECONDS)
        case HTTPException():
            return _of_starlette(error, request)
        case _:
            return ApiError(500, "Internal server error")


def _of_starlette(error: HTTPException, request: Request) -> ApiError:
    if error.status_code in {404, 405}:
        return ApiError(404, f"Cannot {request.method} {request.url.path}")
    return ApiError(error.status_code, error.detail)


def error_handler(wall: Clock) -> ExceptionHandler:
    """Return a handler that converts any exception of a route to a response."""

    async def handle(request: Request, error: Exception) -> Response:
        refusal = as_api_error(error, request)
        body = refusal.body(
            path=request.url.path, request_id=request_id(uuid.uuid4().hex), now=wall()
        )
        answer = json_answer(body, refusal.status)
        if refusal.retry_after:
            answer.headers["retry-after"] = str(refusal.retry_after)
        return answer

    return handle
