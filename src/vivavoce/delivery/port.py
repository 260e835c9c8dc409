"""How a message leaves the house: one request to an endpoint and what came of it.

Who delivers decides what an answer means; a transport only says what it saw.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Delivery(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        url: where to.
        headers: besides those of HTTP itself.
        body: its body.
        owner: name of the key for whose session it is, which has a share of the name look-ups.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    owner: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came of a request.

    Attributes:
        status: the HTTP status; None where there was no answer.
        retry_after: seconds from now for which the endpoint asks to be left alone, if it does.
        failure: why there was no answer, in a few words without secrets or anything of a body.
    """

    status: int | None
    retry_after: float | None = None
    failure: str | None = None


class Transport(Protocol):
    """Sends requests. It follows no redirect and keeps no body."""

    async def post(self, delivery: Delivery) -> Answer:
        """Send one request within the transport's own time limit.

        Whatever goes wrong on the way is an answer; only cancellation raises.
        """
        ...
