"""Decodes and encodes WebSocket texts; long ones in a thread, to keep the event loop responsive.

A client may resend 20 MB in one message, and the final messages of a three-hour session have
megabytes: both take tens of milliseconds. Threads alone are not enough: a call into the parser
holds the interpreter lock until it returns, so long texts are processed in pieces.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from vivavoce.protocol import long_messages
from vivavoce.protocol.frames import to_frame
from vivavoce.protocol.long_messages import LARGE, Utf8
from vivavoce.protocol.messages import (
    BadMessageError,
    ClientMessage,
    ServerMessage,
)

Parsed = Callable[[], ClientMessage]
"""Returns the message, or raises the ``BadMessageError`` of an invalid one."""


async def parsed(text: str | Utf8) -> Parsed:
    """Decode a client's text."""
    return _parsed(text) if len(text) <= LARGE else await asyncio.to_thread(_parsed, text)


def _parsed(text: str | Utf8) -> Parsed:
    try:
        message = long_messages.parsed(text)
    except BadMessageError as error:
        return partial(_raise, type(error), str(error))
    return lambda: message


def _raise(kind: type[BadMessageError], reason: str) -> NoReturn:
    """Raise a new error: the traceback of the original would keep the text in memory."""
    raise kind(reason)


async def framed(journaled: bytes) -> tuple[ServerMessage, str]:
    """Return a journaled message, with raw parts if it is long, and its text for the socket."""
    small = len(journaled) < LARGE
    return _framed(journaled) if small else await asyncio.to_thread(_framed, journaled)


def _framed(journaled: bytes) -> tuple[ServerMessage, str]:
    message = long_messages.opened(journaled)
    return message, to_frame(message).decode()
