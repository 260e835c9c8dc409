"""Texts of the socket read and written; long ones in a thread, for the loop must not wait.

A client may send 20 MB again in one message, and the closing messages of three hours have
megabytes: either takes tens of milliseconds. Threads alone would not do: a call into the parser
holds the interpreter until it is through, so both are read and written in pieces.
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
"""Gives the message, or raises the ``BadMessageError`` that says what is wrong with it."""


async def parsed(text: str | Utf8) -> Parsed:
    """Read a client's text."""
    return _parsed(text) if len(text) <= LARGE else await asyncio.to_thread(_parsed, text)


def _parsed(text: str | Utf8) -> Parsed:
    try:
        message = long_messages.parsed(text)
    except BadMessageError as error:
        return partial(_raise, type(error), str(error))
    return lambda: message


def _raise(kind: type[BadMessageError], reason: str) -> NoReturn:
    """Raise a new error: the traceback of the first one would keep the text in memory."""
    raise kind(reason)


async def framed(journaled: bytes) -> tuple[ServerMessage, str]:
    """A journaled message, in pieces if it is long, and its text for the socket."""
    small = len(journaled) < LARGE
    return _framed(journaled) if small else await asyncio.to_thread(_framed, journaled)


def _framed(journaled: bytes) -> tuple[ServerMessage, str]:
    message = long_messages.opened(journaled)
    return message, to_frame(message).decode()
