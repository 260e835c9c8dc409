"""The interface for sending a message: one request to an endpoint, and its outcome.

A transport only reports the response; the caller interprets it.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Delivery(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        url: URL of the endpoint.
        headers: headers in addition to those of HTTP itself.
        body: request body.
        owner: name of the session's API key, by which name look-ups are limited.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    owner: str = ""


class Answer(msgspec.Struct, frozen=True):
    """The outcome of a request.

    Attributes:
        status: HTTP status; None if there was no response.
        retry_after: seconds from now after which the endpoint asks for a retry; None if it
            does not.
        failure: short reason for a missing response, without secrets or parts of a body.
    """

    status: int | None
    retry_after: float | None = None
    failure: str | None = None


class Transport(Protocol):
    """Sends requests. It follows no redirects and keeps no response bodies."""

    async def post(self, delivery: Delivery) -> Answer:
        """Send one request within the transport's own time limit.

        Every failure is returned as an ``Answer``; only cancellation raises.
        """
        ...
