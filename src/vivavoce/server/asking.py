"""Reads the key owner and the body of a request, for every route."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from vivavoce.protocol.errors import ApiError
from vivavoce.server.keys import KeyRing

BODY_SECONDS = 30.0

SMALL_BODY = 4096
"""Maximum bytes of a body that is checked on the event loop; larger ones use a thread."""

Checked = TypeVar("Checked")


def owner_of(request: Request, keys: KeyRing) -> str:
    """Return the owner of a request's API key.

    Raises:
        ApiError: 401 if the key is missing or unknown.
    """
    key = request.headers.get("x-gladia-key")
    if not key or key.isspace():
        raise ApiError(401, "no gladia key provided")
    owner = keys.owner(key)
    if owner is None:
        raise ApiError(401, "gladia key not found")
    return owner


async def body_of(request: Request, limit: int) -> bytes:
    """Read the request's body.

    Raises:
        ApiError: 413 if it is larger than ``limit`` bytes; 408 if it takes too long.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise ApiError(413, f"the body must be at most {limit // 1000} kB")
    except TimeoutError:
        raise ApiError(408, f"the body took more than {BODY_SECONDS:g} s to arrive") from None
    return bytes(body)


async def checked(check: Callable[[bytes], Checked], body: bytes) -> Checked:
    """Return the result of a check of a body; raises what the check raises."""
    return check(body) if len(body) <= SMALL_BODY else await asyncio.to_thread(check, body)
