"""What a proxy says of its client: believed only from proxies that the operator trusts."""

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

HEADER = b"x-forwarded-host"


class ForwardedHost:
    """Puts ``X-Forwarded-Host`` in the place of ``Host``, from trusted proxies."""

    def __init__(self, app: ASGIApp, trusted: frozenset[str]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or socket."""
        if scope["type"] in {"http", "websocket"} and self._believes(scope):
            headers = scope["headers"]
            if host := next((value for name, value in headers if name == HEADER), b""):
                first = host.split(b",")[0].strip()
                kept = [(name, value) for name, value in headers if name != b"host"]
                scope = {**scope, "headers": [*kept, (b"host", first)]}
        await self._app(scope, receive, send)

    def _believes(self, scope: Scope) -> bool:
        client = scope.get("client")
        return "*" in self._trusted or (client is not None and client[0] in self._trusted)


def believing(trusted_proxies: str) -> list[Middleware]:
    """The middleware that believes those proxies; none where none is trusted."""
    trusted = frozenset(name.strip() for name in trusted_proxies.split(",") if name.strip())
    if not trusted:
        return []
    return [
        Middleware(ForwardedHost, trusted=trusted),
        Middleware(ProxyHeadersMiddleware, trusted_hosts=sorted(trusted)),
    ]
