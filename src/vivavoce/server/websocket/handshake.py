"""The opening handshake, on the library's sans-I/O server. Pure: bytes in, an outcome out."""

from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

_END_OF_HEAD: Final = b"\r\n\r\n"
_STATUS = slice(len("HTTP/1.1 "), len("HTTP/1.1 101"))

HeaderPairs = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A valid handshake.

    Attributes:
        request: the client's request.
        response: the 101 response, to be sent once the application accepts.
        rest: bytes received after the head; they belong to frames.
    """

    request: Request
    response: Response
    rest: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake that is answered with a status other than 101.

    Attributes:
        status: the HTTP status.
        answer: the serialized response.
    """

    status: int
    answer: bytes


class Handshake:
    """Reads the head of an upgrade request, and nothing after it.

    Args:
        server: the library's protocol, before it has received any data.
    """

    def __init__(self, server: ServerProtocol) -> None:
        self._server = server
        self._tail = b""

    def receive(self, data: bytes) -> Accepted | Refused | None:
        """Receive bytes; return the outcome once it is known."""
        joined = self._tail + data
        found = joined.find(_END_OF_HEAD)
        end = len(data) if found < 0 else found + len(_END_OF_HEAD) - len(self._tail)
        self._tail = joined[1 - len(_END_OF_HEAD) :]
        self._server.receive_data(data[:end])
        for request in self._server.events_received():
            if isinstance(request, Request):
                return self._judge(request, data[end:])
        if self._server.handshake_exc is not None or found >= 0:
            return self._refused()
        return None

    def _judge(self, request: Request, rest: bytes) -> Accepted | Refused:
        response = self._server.accept(request)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            return Accepted(request, response, rest)
        self._server.send_response(response)
        return self._refused()

    def _refused(self) -> Refused:
        """Return the library's refusal, or a plain 400 if it has none."""
        answer = b"".join(self._server.data_to_send())
        if not answer:
            answer = self._server.reject(
                HTTPStatus.BAD_REQUEST, "Failed to open a WebSocket connection: invalid request.\n"
            ).serialize()
        return Refused(int(answer[_STATUS]), answer)


def add_headers(response: Response, headers: HeaderPairs, subprotocol: str | None) -> None:
    """Add the headers of the server and the application to a 101 response."""
    del response.headers["Date"]  # the server adds its own
    for name, value in headers:
        response.headers[name.decode("latin-1")] = value.decode("latin-1")
    if subprotocol:
        response.headers["Sec-WebSocket-Protocol"] = subprotocol


def denial(status: int, headers: HeaderPairs, body: bytes) -> Response:
    """Build the response with which an application refuses a handshake."""
    answer = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
    answer.setdefault("Date", formatdate(usegmt=True))
    answer.setdefault("Connection", "close")
    answer.setdefault("Content-Length", str(len(body)))
    answer.setdefault("Content-Type", "text/plain; charset=utf-8")
    return Response(status, _phrase(status), answer, body)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def scope_of(request: Request, root_path: str) -> dict[str, Any]:
    """Build the part of an ASGI scope that the request determines."""
    raw_path, _, query = request.path.partition("?")
    offers = request.headers.get_all("Sec-WebSocket-Protocol")
    return {
        "type": "websocket",
        "http_version": "1.1",
        "root_path": root_path,
        "path": root_path + unquote(raw_path),
        "raw_path": root_path.encode("ascii") + raw_path.encode("ascii"),
        "query_string": query.encode("ascii"),
        # Version 16 of the library decodes non-ASCII bytes to surrogates, version 17 as latin-1.
        "headers": [
            (name.encode("ascii"), value.encode("latin-1", "surrogateescape"))
            for name, value in request.headers.raw_items()
        ],
        "subprotocols": [each.strip() for offer in offers for each in offer.split(",")],
    }


def plain_refusal(status: HTTPStatus) -> Refused:
    """Build a refusal with the status phrase as plain text."""
    body = f"{status.phrase}\n".encode()
    return Refused(status.value, denial(status, (), body).serialize())


def address_of(name: object) -> tuple[str, int] | None:
    """Return host and port of a socket's name; None for sockets without a port."""
    if isinstance(name, tuple) and len(name) >= 2:  # noqa: PLR2004  an IPv6 name has four parts
        return str(name[0]), int(name[1])
    return None
