"""The one shape of every HTTP error, and the reasons there are. Contract §1.5."""

import msgspec
from msgspec import UNSET, UnsetType

from vivavoce.protocol.formats import Instant
from vivavoce.protocol.timestamps import iso


class ErrorBody(msgspec.Struct, frozen=True):
    """Body of an HTTP error."""

    timestamp: Instant
    path: str
    request_id: str
    statusCode: int  # noqa: N815  the wire's spelling
    message: str
    validation_errors: tuple[str, ...] | UnsetType = UNSET


class ApiError(Exception):
    """A request that is refused: ``status`` and ``message`` go to the client as they are."""

    def __init__(
        self, status: int, message: str, *, faults: tuple[str, ...] = (), retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.faults = faults
        self.retry_after = retry_after

    def body(self, *, path: str, request_id: str, now: float) -> ErrorBody:
        """The error as the wire writes it; ``now`` is Unix time."""
        return ErrorBody(
            timestamp=iso(now),
            path=path,
            request_id=request_id,
            statusCode=self.status,
            message=self.message,
            validation_errors=self.faults or UNSET,
        )


def request_id(hex_digits: str) -> str:
    """``G-`` and the first eight hex digits of a UUID."""
    return f"G-{hex_digits[:8]}"
