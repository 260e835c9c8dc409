"""How fast a file is sent: like speech, or as fast as the server takes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable


async def in_real_time(
    chunks: Iterable[bytes],
    seconds: Callable[[int], float],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[bytes]:
    """Give each chunk when its last sample would have been spoken.

    The schedule hangs on the first chunk, so waits do not add up to a drift, and a delay is
    caught up on.

    Args:
        chunks: the audio.
        seconds: duration of a number of bytes.
        clock: monotonic seconds.
        sleep: waits for seconds.
    """
    begin = clock()
    given = 0
    for chunk in chunks:
        given += len(chunk)
        if (wait := begin + seconds(given) - clock()) > 0:
            await sleep(wait)
        yield chunk


async def at_full_speed(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Give chunks as fast as they are taken; the session's bound holds them back."""
    for chunk in chunks:
        await asyncio.sleep(0)  # let messages in between
        yield chunk
