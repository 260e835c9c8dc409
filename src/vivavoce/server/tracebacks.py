"""Tracebacks for the log: where a fault happened, without what a client sent.

The message of an exception may quote a client's text (``invalid literal for int(): '…'``), so
it is shown only for exceptions that speak of the machine or of this program.
"""

import sqlite3
import traceback
from collections.abc import Iterator
from types import TracebackType

PLAIN: tuple[type[BaseException], ...] = (
    *(OSError, MemoryError, ImportError, AttributeError, TypeError, NameError, AssertionError),
    *(ArithmeticError, RuntimeError, sqlite3.Error, UnicodeDecodeError),
)
"""Exceptions whose messages hold nothing of a client."""

OUR_PACKAGE = "vivavoce."
OUR_WIRE = "vivavoce.protocol."
"""Its exceptions are about what clients sent."""

MAX_CHARACTERS = 20_000
MAX_CAUSES = 8

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def format_exception(error: BaseException) -> str:
    """A traceback with its causes, the first cause first, of bounded length."""
    parts = [_part(one) for one in _causes(error)]
    return "\n".join(reversed(parts))[-MAX_CHARACTERS:]


def format_exc_info(exc_info: ExcInfo) -> str:
    """The same, for ``structlog`` and ``logging``."""
    return format_exception(exc_info[1])


def message_of(error: BaseException) -> str:
    """What an exception says, if nothing in it can be a client's."""
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
    """The lines of a group's exceptions, indented."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions[:MAX_CAUSES]:
            yield from (f"| {line}" for line in _part(one).splitlines())
