"""A recording as an HTTP response: whole, in ranges, or refused with a JSON error."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from vivavoce.protocol.errors import ApiError

_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "the Range header cannot be read",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "the range lies beyond the end of the recording",
}


class _RangeRefusedError(Exception):
    """Starlette refused a range with a plain-text response, which has not been sent."""

    def __init__(self, status: int, content_range: str | None) -> None:
        super().__init__(status)
        self.status = HTTPStatus(status)
        self.content_range = content_range


class RecordingFile(FileResponse):
    """A file that browsers save as an attachment.

    Args:
        path: the file.
        name: the file name for browsers.
        media_type: its media type.
        refuse: builds the response of a refusal.
    """

    def __init__(
        self, path: Path, name: str, media_type: str, refuse: Callable[[ApiError], Response]
    ) -> None:
        super().__init__(path, media_type=media_type, filename=name)
        self._refuse_with = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the refusal of its range."""

        async def checked(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _REFUSALS:
                headers = Headers(raw=message["headers"])
                raise _RangeRefusedError(message["status"], headers.get("content-range"))
            await send(message)

        try:
            await super().__call__(scope, receive, checked)
        except _RangeRefusedError as refused:
            answer = self._refuse_with(ApiError(refused.status, _REFUSALS[refused.status]))
            if refused.content_range:
                answer.headers["content-range"] = refused.content_range
            await answer(scope, receive, send)
