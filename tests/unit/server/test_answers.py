import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from vivavoce.archive import port as archive
from vivavoce.journal import port as journal
from vivavoce.protocol.validation import InvalidParametersError, MalformedJsonError
from vivavoce.server.answers import REFUSALS, error_handler


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (archive.UnavailableError("the records do not answer"), 503, "the records do not answer"),
        (journal.UnavailableError("the disk is full"), 503, "the disk is full"),
        (InvalidParametersError(["a must be b"]), 400, "Invalid parameter(s)"),
        (MalformedJsonError("no object"), 400, "no object"),
        (HTTPException(405), 404, "Cannot GET /x"),
        (HTTPException(418, "a teapot"), 418, "a teapot"),
        (ZeroDivisionError("secret"), 500, "Internal server error"),
    ],
)
async def test_what_a_route_raises_is_answered_in_the_common_shape(
    error: Exception, status: int, message: str
) -> None:
    """Records that did not answer were told as a fault of the server."""

    async def route(_: Request) -> None:
        raise error

    handlers = dict.fromkeys((*REFUSALS, Exception), error_handler(lambda: 0.0))
    app = Starlette(routes=[Route("/x", route)], exception_handlers=handlers)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/x")
    body = answer.json()
    assert (answer.status_code, body["statusCode"], body["message"]) == (status, status, message)
    assert (body["timestamp"], body["path"]) == ("1970-01-01T00:00:00.000Z", "/x")
    assert ("retry-after" in answer.headers) == (status == 503)
