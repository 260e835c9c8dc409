"""Texts of the socket read and written; long ones in a thread, for the loop must not wait.

A client may send 20 MB again in one message, and the closing messages of three hours have
megabytes: either takes tens of milliseconds.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from vivavoce.protocol.frames import to_frame
from vivavoce.protocol.messages import (
    BadMessageError,
    ClientMessage,
    ServerMessage,
    decode_server_message,
    parse_client_message,
)

LARGE = 64 * 1024
"""Characters or bytes from which on a thread is worth its trouble."""

Parsed = Callable[[], ClientMessage]
"""Gives the message, or raises the ``BadMessageError`` that says what is wrong with it."""


async def parsed(text: str) -> Parsed:
    """Read a client's text."""
    return _parsed(text) if len(text) < LARGE else await asyncio.to_thread(_parsed, text)


def _parsed(text: str) -> Parsed:
    try:
        message = parse_client_message(text)
    except BadMessageError as error:
        return partial(_raise, error)
    return lambda: message


def _raise(error: Exception) -> NoReturn:
    raise error


async def framed(journaled: bytes) -> tuple[ServerMessage, str]:
    """A journaled message, and its text for the socket."""
    small = len(journaled) < LARGE
    return _framed(journaled) if small else await asyncio.to_thread(_framed, journaled)


def _framed(journaled: bytes) -> tuple[ServerMessage, str]:
    message = decode_server_message(journaled)
    return message, to_frame(message).decode()
