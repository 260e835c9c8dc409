"""``/metrics`` for Prometheus: open to this machine, else for whoever has a key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vivavoce.protocol.errors import ApiError
from vivavoce.server.addresses import is_loopback
from vivavoce.server.keys import KeyRing
from vivavoce.server.metrics import Metrics

PROXIED = ("x-forwarded-for", "forwarded")


@dataclass(frozen=True, slots=True)
class Exposition:
    """The route.

    Attributes:
        open_to_all: answer whoever asks.
        count: has that counted which cannot be read at any moment.
    """

    metrics: Metrics
    keys: KeyRing
    open_to_all: bool
    count: Callable[[], Awaitable[None]]

    def route(self) -> BaseRoute:
        """The route."""
        return Route("/metrics", self.get, methods=["GET"])

    async def get(self, request: Request) -> Response:
        """Every metric as it is now."""
        if not (self.open_to_all or _from_here(request) or self._knows(request)):
            raise ApiError(401, "/metrics needs a key from other machines, or open_metrics")
        await self.count()
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    def _knows(self, request: Request) -> bool:
        return self.keys.owner(request.headers.get("x-gladia-key", "")) is not None


def _from_here(request: Request) -> bool:
    """Whether a process of this machine asks for itself, not a proxy for somebody else."""
    asks_for_itself = not any(name in request.headers for name in PROXIED)
    return asks_for_itself and request.client is not None and is_loopback(request.client.host)
