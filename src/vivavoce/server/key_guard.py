"""Counts, logs and delays requests with wrong API keys, on every route."""

import asyncio
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vivavoce.server.failed_keys import FailedKeys

KEY_HEADER = b"x-gladia-key"
UNAUTHORIZED = 401

log = structlog.get_logger(__name__)


class KeyGuard:
    """Middleware that detects refusals of presented keys.

    Args:
        app: the application.
        count: called for each refusal.
        clock: a monotonic clock.
    """

    def __init__(self, app: ASGIApp, count: Callable[[], None], clock: Callable[[], float]) -> None:
        self._app = app
        self._count = count
        self._clock = clock
        self._failed = FailedKeys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        presented = scope["type"] == "http" and _presents_key(scope)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == UNAUTHORIZED:
                await self._refused(scope)
            await send(message)

        await self._app(scope, receive, watched if presented else send)

    async def _refused(self, scope: Scope) -> None:
        client = scope.get("client")
        host = client[0] if client else ""
        failure = self._failed.failed(host, self._clock())
        self._count()
        if failure.report:
            log.warning("key_refused", client=host, failures=failure.report)
        if failure.delay:
            await asyncio.sleep(failure.delay)


def _presents_key(scope: Scope) -> bool:
    return any(name == KEY_HEADER and value for name, value in scope["headers"])
