"""Paces the sending of a file: in real time, or as fast as the server accepts it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable


async def in_real_time(
    chunks: Iterable[bytes],
    seconds: Callable[[int], float],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[bytes]:
    """Yield each chunk at the time its last sample would have been spoken.

    The schedule is relative to the first chunk, so waits do not accumulate to a drift, and delays
    are made up for.

    Args:
        chunks: the audio.
        seconds: returns the duration of a number of bytes.
        clock: returns monotonic seconds.
        sleep: waits for a number of seconds.
    """
    begin = clock()
    given = 0
    for chunk in chunks:
        given += len(chunk)
        if (wait := begin + seconds(given) - clock()) > 0:
            await sleep(wait)
        yield chunk


async def at_full_speed(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield chunks as fast as they are consumed; the session's buffer limit holds them back."""
    for chunk in chunks:
        await asyncio.sleep(0)  # let messages be received in between
        yield chunk
