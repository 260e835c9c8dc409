"""A test event, which checks that an endpoint is reachable and knows its secret."""

import uuid
from collections.abc import Callable, Mapping, Sequence

from vivavoce.delivery.bodies import webhook_body
from vivavoce.delivery.endpoints import Endpoint
from vivavoce.delivery.port import Answer, Delivery, Transport

EVENT = "live.start_session"
NO_SESSION = str(uuid.UUID(int=0))
"""The session id in a test event; no session has this id."""

Sign = Callable[[Sequence[str], str, int, bytes], Mapping[str, str]]


async def try_endpoint(transport: Transport, sign: Sign, endpoint: Endpoint, now: float) -> Answer:
    """Send a test event at once, bypassing the queues."""
    body = webhook_body(NO_SESSION, EVENT)
    signed = sign(endpoint.secrets, f"msg_{uuid.uuid4().hex}", int(now), body)
    headers = {"content-type": "application/json", **signed}
    return await transport.post(Delivery(endpoint.url, headers, body, endpoint.owner or ""))


def arrived(answer: Answer) -> bool:
    """Return whether an endpoint accepted a message."""
    return answer.status is not None and 200 <= answer.status < 300  # noqa: PLR2004 -- success
