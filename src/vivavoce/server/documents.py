"""The routes of the API descriptions, which are public: no key is needed."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vivavoce.protocol.description.asyncapi import asyncapi
from vivavoce.protocol.description.openapi import openapi
from vivavoce.server.addresses import base_url
from vivavoce.server.answers import json_answer


class Documents:
    """``/openapi.json`` and ``/asyncapi.json``."""

    def __init__(self, version: str, public_url: str | None) -> None:
        self._http = openapi(version)
        self._socket = asyncapi(version)
        self._public_url = public_url

    def routes(self) -> list[BaseRoute]:
        """Return both routes."""
        return [
            Route("/openapi.json", self.http, methods=["GET"]),
            Route("/asyncapi.json", self.socket, methods=["GET"]),
        ]

    async def http(self, request: Request) -> Response:
        """Return the OpenAPI description of the HTTP API."""
        return json_answer(self._http | {"servers": [{"url": self._base(request)}]})

    async def socket(self, request: Request) -> Response:
        """Return the AsyncAPI description of the WebSocket."""
        scheme, _, host = self._base(request, websocket=True).partition("://")
        host, _, path = host.partition("/")
        server = {"host": host, "protocol": scheme} | ({"pathname": f"/{path}"} if path else {})
        return json_answer(self._socket | {"servers": {"this": server}})

    def _base(self, request: Request, *, websocket: bool = False) -> str:
        return base_url(request, self._public_url, websocket=websocket)
