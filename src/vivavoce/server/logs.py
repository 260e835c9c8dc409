"""Structured logs, one JSON object a line, with secrets taken out last."""

import logging
import re
import sys
from typing import Any

import structlog

_SECRET = re.compile(r"(token=|x-gladia-key['\"]?\s*[:=]\s*['\"]?)[^\s&'\"]+", re.IGNORECASE)


def redact(
    _logger: Any, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Replace socket tokens and API keys in every text."""
    return {
        name: _SECRET.sub(r"\1[redacted]", value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def configure(level: str) -> None:
    """Send every log, our own and the libraries', to standard error."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # They print handshakes, headers included.
    for chatty in ("websockets", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
