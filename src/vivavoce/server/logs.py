"""Structured logs, one JSON object per line, without secrets, bounded in length and rate.

Audio, transcripts and other content of clients are not logged at any level. Libraries log at
``info`` and above; those that log requests or frames log at ``warning`` and above, because at
``debug`` they log headers and frames.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog

from vivavoce.server.log_throttle import LogThrottle
from vivavoce.server.redaction import clean
from vivavoce.server.tracebacks import MAX_CHARACTERS as EXCEPTION_CHARACTERS
from vivavoce.server.tracebacks import format_exc_info

OURS = "vivavoce"
CHATTY = ("uvicorn", "uvicorn.error", "websockets", "httpx", "httpcore", "asyncio", "sqlalchemy")
"""Loggers that log requests, headers, frames or statements below ``warning``."""

WIRE = ("uvicorn", "websockets", "httpcore", "httpx")
"""Loggers whose tracebacks quote data from a peer."""

OUR_FAULT = "Exception in ASGI application"
"""The only message of these loggers whose traceback is about this program."""

KIND_CHARACTERS = 80


def redact(
    _logger: Any, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Redact secrets in every text, nested ones included, and shorten it."""
    most = {"exception": EXCEPTION_CHARACTERS}
    cleaned = clean({name: value for name, value in event.items() if name not in most})
    for name in most.keys() & event.keys():
        cleaned[name] = clean(event[name], most[name])
    return dict(cleaned)


def count_suppressed(
    _logger: Any, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Add the number of suppressed lines of the same kind before this one."""
    if suppressed := getattr(event.get("_record"), "suppressed", 0):
        event["suppressed"] = suppressed
    return event


class Throttle(logging.Filter):
    """Applies ``LogThrottle`` to the lines of a handler."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._throttle = LogThrottle()
        self._clock = clock

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written."""
        event = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
        kind = f"{record.name} {str(event)[:KIND_CHARACTERS]}"
        suppressed = self._throttle.admit(kind, self._clock())
        record.suppressed = suppressed
        return suppressed is not None


def without_peers(record: logging.LogRecord) -> bool:
    """Remove tracebacks that may quote a peer from the lines of libraries; keep the lines."""
    library = record.name.partition(".")[0]
    if library in WIRE and not str(record.msg).startswith(OUR_FAULT):
        record.exc_info = record.exc_text = None
    if library == "asyncio":  # later lines list tasks with their exceptions
        record.msg, record.args = record.getMessage().partition("\n")[0], ()
    return True


def configure(level: str) -> None:
    """Write all logs, our own and the libraries', to standard error."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(format_exc_info),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Throttle())
    handler.addFilter(without_peers)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                count_suppressed,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(wanted, logging.INFO))
    logging.getLogger(OURS).setLevel(wanted)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
