"""Refused requests and connections: all counted, logged every ten seconds, answered in JSON."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
import structlog

from vivavoce.protocol.errors import ApiError, request_id
from vivavoce.server.http.response_encoder import header_lines, status_line

log = structlog.get_logger(__name__)

LOG_SECONDS = 10.0
"""Minimum time between two log lines of one kind of refusal."""

RETRY_SECONDS = 5
"""``Retry-After`` of a connection that is refused because too many are open."""

Headers = Iterable[tuple[bytes, bytes]]


def refusal_response(error: ApiError, headers: Headers = (), path: str = "") -> bytes:
    """Return a complete response that refuses a request, with ``Connection: close``."""
    answer = error.body(path=path, request_id=request_id(uuid.uuid4().hex), now=time.time())
    body = msgspec.json.encode(answer)
    own = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    if error.retry_after:
        own.append((b"retry-after", b"%d" % error.retry_after))
    return b"".join([status_line(error.status), header_lines([*headers, *own]), b"\r\n", body])


class RefusalLog:
    """Counts refusals by reason, and logs their number since the previous line.

    Args:
        event: the name of the log event.
        count: called with the reason of each refusal.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        event: str,
        count: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._event = event
        self._count = count
        self._clock = clock
        self._since: Counter[str] = Counter()
        self._logged: dict[str, float] = {}

    def __call__(self, reason: str) -> None:
        """Count a refusal, and log if a line is due."""
        self._count(reason)
        self._since[reason] += 1
        now = self._clock()
        if now - self._logged.get(reason, -LOG_SECONDS) >= LOG_SECONDS:
            self._logged[reason] = now
            log.warning(self._event, reason=reason, count=self._since.pop(reason))
