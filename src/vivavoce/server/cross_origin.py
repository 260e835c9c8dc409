"""CORS for the API, but not for the operator's paths.

Pages of the public web may also reach a server in their user's private network, if the browser
requests that: as from everywhere, data requires a key or a session's token.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

OPERATOR_PATHS = frozenset({"/metrics", "/ready"})
"""Paths that no web page of another origin may read."""


class CrossOrigin(CORSMiddleware):
    """CORS middleware for all paths except the operator's."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope.get("path") in OPERATOR_PATHS:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
