"""Tracebacks for the log: the place of a fault, without data from clients.

The message of an exception may quote a client's text (``invalid literal for int(): '…'``), so
it is included only for exceptions that concern the machine or this program.
"""

import sqlite3
import traceback
from collections.abc import Iterator
from types import TracebackType

PLAIN: tuple[type[BaseException], ...] = (
    *(OSError, MemoryError, ImportError, AttributeError, TypeError, NameError, AssertionError),
    *(ArithmeticError, RuntimeError, sqlite3.Error, UnicodeDecodeError),
)
"""Exceptions whose messages contain no client data."""

OUR_PACKAGE = "vivavoce."
OUR_WIRE = "vivavoce.protocol."
"""The package whose exceptions are about client data."""

MAX_CHARACTERS = 20_000
MAX_CAUSES = 8

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def format_exception(error: BaseException) -> str:
    """Return a traceback of bounded length, with its causes, the root cause first."""
    parts = [_part(one) for one in _causes(error)]
    return "\n".join(reversed(parts))[-MAX_CHARACTERS:]


def format_exc_info(exc_info: ExcInfo) -> str:
    """Format the exception of ``exc_info``, for ``structlog`` and ``logging``."""
    return format_exception(exc_info[1])


def message_of(error: BaseException) -> str:
    """Return the message of an exception, or an empty text if it may contain client data."""
    module = type(error).__module__
    ours = module.startswith(OUR_PACKAGE) and not module.startswith(OUR_WIRE)
    return str(error) if ours or isinstance(error, PLAIN) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(found))
        yield found
        suppressed = None if found.__suppress_context__ else found.__context__
        found = found.__cause__ or suppressed


def _part(error: BaseException) -> str:
    name = type(error).__qualname__
    message = message_of(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    head = f"Traceback (most recent call last):\n{frames}" if frames else ""
    last = f"{name}: {message}" if message else name
    return "\n".join([f"{head}{last}", *_members(error)])


def _members(error: BaseException) -> Iterator[str]:
    """Yield the lines of a group's exceptions, each with the prefix ``| ``."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions[:MAX_CAUSES]:
            yield from (f"| {line}" for line in _part(one).splitlines())
