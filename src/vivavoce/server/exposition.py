"""``/metrics`` for Prometheus: open to local processes, otherwise with a key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vivavoce.protocol.errors import ApiError
from vivavoce.server.metrics import Metrics
from vivavoce.server.operator_access import OperatorAccess


@dataclass(frozen=True, slots=True)
class Exposition:
    """The route ``/metrics``.

    Attributes:
        access: decides which requests are answered.
        count: refreshes the values that are not available synchronously.
    """

    metrics: Metrics
    access: OperatorAccess
    count: Callable[[], Awaitable[None]]

    def route(self) -> BaseRoute:
        """Return the route."""
        return Route("/metrics", self.get, methods=["GET"])

    async def get(self, request: Request) -> Response:
        """Return the current value of every metric."""
        if not self.access.allows(request):
            raise ApiError(
                401, "/metrics needs a key through a proxy or from other machines, or open_metrics"
            )
        await self.count()
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)
