"""The asyncio client: HTTP calls for sessions, and one WebSocket for each live session."""

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from vivavoce import __version__
from vivavoce.client.connection import DEFAULT_BUFFER_BYTES
from vivavoce.client.errors import ProtocolError, UnreachableError, api_error
from vivavoce.client.jobs import Job, JobPage
from vivavoce.client.outcome import Backoff
from vivavoce.client.session import Session
from vivavoce.protocol.request import InitRequest
from vivavoce.protocol.result import InitAnswer, Status

DEFAULT_URL = "http://127.0.0.1:8300"
SESSIONS = "v2/live"
_HTTP_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

T = TypeVar("T")


class Client:
    """A client of one server; use it as a context manager, or call ``aclose``.

    Every method raises ``ApiError`` if the server refuses the request, ``UnreachableError`` if it
    does not respond, and ``ProtocolError`` if its response is not of this protocol.

    Args:
        api_url: the server's address; a path in it is kept as a prefix.
        api_key: sent as ``x-gladia-key``; empty for a server that requires none.
        timeout: timeout of an HTTP request in seconds.
        transport: custom HTTP transport, for tests and special networks.

    Raises:
        ValueError: ``api_url`` is not an HTTP address.
    """

    def __init__(
        self,
        api_url: str = DEFAULT_URL,
        api_key: str = "",
        *,
        timeout: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"user-agent": f"vivavoce/{__version__}"}
        if api_key:
            headers["x-gladia-key"] = api_key.strip()
        self._http = httpx.AsyncClient(
            base_url=_base_url(api_url), headers=headers, timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> Self:
        """Return the client; nothing is sent before the first call."""
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the HTTP connections; live sessions have their own and stay open."""
        await self._http.aclose()

    async def create(
        self,
        request: InitRequest | None = None,
        *,
        backoff: Backoff | None = None,
        buffer_bytes: int = DEFAULT_BUFFER_BYTES,
    ) -> Session:
        """Create a session; it connects when its context is entered.

        Args:
            request: the configuration; by default, the server's defaults. Acknowledgements are
                always requested; ``receive_acknowledgments`` sets whether iteration returns them.
            backoff: see ``Session``.
            buffer_bytes: see ``Session``.
        """
        request = request or InitRequest()
        wanted = request.messages_config
        acknowledged = msgspec.structs.replace(wanted, receive_acknowledgments=True)
        body = msgspec.structs.replace(request, messages_config=acknowledged)
        content = await self._request(
            "POST",
            SESSIONS,
            content=msgspec.json.encode(body),
            headers={"content-type": "application/json"},
        )
        answer = _decode(content, InitAnswer)
        return Session(
            answer.url,
            session_id=answer.id,
            messages=wanted,
            backoff=backoff,
            buffer_bytes=buffer_bytes,
        )

    async def get(self, session_id: str) -> Job:
        """Return the session's state, and its result once it is done."""
        return _decode(await self._request("GET", _path(session_id)), Job)

    async def list(
        self,
        *,
        status: Sequence[Status] = (),
        after_date: str | None = None,
        before_date: str | None = None,
        custom_metadata: dict[str, Any] | None = None,
        page_size: int = 20,
    ) -> AsyncIterator[JobPage]:
        """Iterate over pages of sessions, newest first, fetching each when it is needed.

        Args:
            status: only sessions in one of these states.
            after_date: only sessions created after this ISO 8601 instant.
            before_date: only sessions created before this ISO 8601 instant.
            custom_metadata: only sessions whose metadata contains this.
            page_size: sessions per page.
        """
        filters: dict[str, Any] = {
            "limit": page_size,
            "status": list(status),
            "after_date": after_date,
            "before_date": before_date,
            "custom_metadata": custom_metadata and msgspec.json.encode(custom_metadata).decode(),
        }
        query = httpx.QueryParams({name: value for name, value in filters.items() if value})
        while True:
            page = _decode(await self._request("GET", SESSIONS, params=query), JobPage)
            yield page
            if page.next is None:
                return
            # Only the link's query is used, so that the key is sent to no other host.
            query = httpx.QueryParams(urlsplit(page.next).query)

    async def delete(self, session_id: str) -> None:
        """Delete a finished session, its result and its recording."""
        await self._request("DELETE", _path(session_id))

    async def file(self, session_id: str) -> AsyncIterator[bytes]:
        """Iterate over the bytes of the recording, a WAV file."""
        try:
            async with self._http.stream("GET", f"{_path(session_id)}/file") as response:
                if not response.is_success:
                    content = await response.aread()
                    raise api_error(response.status_code, response.reason_phrase, content)
                async for piece in response.aiter_bytes():
                    yield piece
        except httpx.HTTPError as error:
            raise _unreachable(error) from error

    async def _request(self, method: str, path: str, **options: Any) -> bytes:
        try:
            response = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise _unreachable(error) from error
        if not response.is_success:
            raise api_error(response.status_code, response.reason_phrase, response.content)
        return response.content


def _base_url(api_url: str) -> httpx.URL:
    try:
        url = httpx.URL(api_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{api_url!r} is no URL: {error}") from error
    if url.scheme not in _HTTP_SCHEMES or not url.host:
        raise ValueError(f"{api_url!r} is no address of a server, such as {DEFAULT_URL}")
    return url.copy_with(scheme=_HTTP_SCHEMES[url.scheme])


def _path(session_id: str) -> str:
    return f"{SESSIONS}/{quote(session_id, safe='')}"


def _decode(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ProtocolError(f"the server's answer is not of this protocol: {error}") from error


def _unreachable(error: httpx.HTTPError) -> UnreachableError:
    where = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    return UnreachableError(f"no answer from {where}: {str(error) or type(error).__name__}")
