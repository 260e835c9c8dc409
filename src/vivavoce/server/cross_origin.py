"""CORS for the API, and none for what only the operator reads."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

OPERATOR_PATHS = frozenset({"/metrics", "/ready"})
"""No web page of another origin may read them."""


class CrossOrigin(CORSMiddleware):
    """Answers other origins everywhere but on the operator's paths."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope.get("path") in OPERATOR_PATHS:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
