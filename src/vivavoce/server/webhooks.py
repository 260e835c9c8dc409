"""The routes to manage the webhook endpoints of a key: Vivavoce's own, not part of Gladia's API."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sql
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vivavoce.delivery import endpoints, trial
from vivavoce.delivery.addresses import Reach
from vivavoce.delivery.endpoints import Endpoint, TooManyEndpointsError, UnknownEndpointError
from vivavoce.delivery.ledger import Ledger
from vivavoce.delivery.port import Transport
from vivavoce.delivery.signing import sign
from vivavoce.protocol.errors import ApiError
from vivavoce.protocol.timestamps import iso
from vivavoce.protocol.validation import validated
from vivavoce.protocol.webhooks import NewWebhook, Webhook, WebhookList, WebhookTest
from vivavoce.server.allowance import Allowance
from vivavoce.server.answers import json_answer
from vivavoce.server.asking import body_of, owner_of
from vivavoce.server.delivering import url_fault
from vivavoce.server.keys import KeyRing
from vivavoce.session.ports import Clock

MAX_BODY_BYTES = 10_000
MOST_ENDPOINTS = 20
TRIALS_PER_MINUTE = 10.0
MOST_TRIALS = 10
"""Test messages of a key in a burst; ``TRIALS_PER_MINUTE`` is the long-run rate."""
PATH = "/vivavoce/webhooks"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class WebhookRoutes:
    """``/vivavoce/webhooks`` and below it."""

    ledger: Ledger
    keys: KeyRing
    transport: Transport
    allowed: Reach
    wall: Clock
    trials: Allowance = field(default_factory=lambda: Allowance(TRIALS_PER_MINUTE, MOST_TRIALS))

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(PATH, self.add, methods=["POST"]),
            Route(PATH, self.list, methods=["GET"]),
            Route(f"{PATH}/{{id}}", self.remove, methods=["DELETE"]),
            Route(f"{PATH}/{{id}}/test", self.test, methods=["POST"]),
            Route(f"{PATH}/{{id}}/enable", self.enable, methods=["POST"]),
            Route(f"{PATH}/{{id}}/secret", self.rotate, methods=["POST"]),
        ]

    async def add(self, request: Request) -> Response:
        """Add an endpoint and return its secret."""
        owner = owner_of(request, self.keys)
        url = validated(NewWebhook, await body_of(request, MAX_BODY_BYTES)).url
        if fault := url_fault(url, self.allowed):
            raise ApiError(422, f"url {fault}")
        now = self.wall()
        try:
            made = await self.ledger.run(
                lambda db: endpoints.add_bounded(db, url, owner, now, MOST_ENDPOINTS)
            )
        except TooManyEndpointsError as error:
            raise ApiError(422, f"a key has at most {MOST_ENDPOINTS} webhook endpoints") from error
        return json_answer(shown(made, with_secret=True), 201)

    async def list(self, request: Request) -> Response:
        """Return all endpoints of the key."""
        owner = owner_of(request, self.keys)
        found = await self.ledger.run(lambda db: endpoints.every(db, owner))
        return json_answer(WebhookList(tuple(shown(one) for one in found)))

    async def remove(self, request: Request) -> Response:
        """Remove an endpoint with all its pending messages."""
        await self._change(request, endpoints.remove)
        return Response(status_code=204)

    async def test(self, request: Request) -> Response:
        """Send a test message and return its result."""
        if wait := self.trials.wait(owner_of(request, self.keys), self.wall()):
            raise ApiError(429, "too many tests of webhooks", retry_after=math.ceil(wait))
        found = await self._change(request, endpoints.find)
        answer = await trial.try_endpoint(self.transport, sign, found, self.wall())
        return json_answer(WebhookTest(trial.arrived(answer), answer.status, answer.failure))

    async def enable(self, request: Request) -> Response:
        """Enable a disabled endpoint again."""
        return json_answer(shown(await self._change(request, endpoints.enable)))

    async def rotate(self, request: Request) -> Response:
        """Give an endpoint a new secret; the previous secret keeps signing."""
        return json_answer(shown(await self._change(request, endpoints.rotate), with_secret=True))

    async def _change(
        self, request: Request, change: Callable[[sql.Connection, str, str | None], Result]
    ) -> Result:
        """Apply a change to the request's endpoint and return its result."""
        owner = owner_of(request, self.keys)
        endpoint_id = request.path_params["id"]
        try:
            return await self.ledger.run(lambda db: change(db, endpoint_id, owner))
        except UnknownEndpointError as error:
            raise ApiError(404, "no such webhook endpoint") from error


def shown(endpoint: Endpoint, *, with_secret: bool = False) -> Webhook:
    """Return an endpoint in its API representation."""
    return Webhook(
        id=endpoint.id,
        url=endpoint.url,
        created_at=iso(endpoint.created_at),
        status="active" if endpoint.disabled_at is None else "disabled",
        cause=endpoint.cause,
        secret=endpoint.secrets[0] if with_secret else UNSET,
    )
