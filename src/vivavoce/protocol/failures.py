"""Errors that messages report, by HTTP status. Contract §13, row 152."""

from vivavoce.protocol.messages import Failure

EXCEPTIONS = {
    400: "BadRequestError",
    408: "RequestTimeoutError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    416: "RangeNotSatisfiableError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
"""Names of the errors."""


def failure(message: str, status: int) -> Failure:
    """Make the error object for a status of ``EXCEPTIONS``.

    Raises:
        KeyError: the status has no name.
    """
    return Failure(message, status, EXCEPTIONS[status])
