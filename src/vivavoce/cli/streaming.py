"""Streams audio to a session and receives its messages until it ends or the user stops it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress

from vivavoce.client import Message, Session


async def stream(
    session: Session,
    chunks: AsyncIterator[bytes],
    take: Callable[[Message], None],
    interrupted: asyncio.Event,
) -> None:
    """Send ``chunks``, stop, and pass every message to ``take``.

    Once ``interrupted`` is set, no more audio is sent, and the session is stopped as usual.

    Raises:
        VivavoceError: the session failed, or ended before the audio did.
        BadInputError: the audio could not be read to its end; the part sent is transcribed.
    """
    async with session:
        feeding = asyncio.create_task(_feed(session, chunks, interrupted), name="feed the session")
        try:
            async for message in session:
                take(message)
            await feeding
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


async def _feed(session: Session, chunks: AsyncIterator[bytes], interrupted: asyncio.Event) -> None:
    try:
        async for chunk in chunks:
            if interrupted.is_set():
                break
            await session.send_audio(chunk)
    finally:
        await session.stop()


@contextmanager
def first_interrupt() -> Iterator[asyncio.Event]:
    """Provide an event that the first Ctrl-C sets; a second Ctrl-C interrupts as usual."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        loop.remove_signal_handler(signal.SIGINT)

    # Without such handlers (on Windows or outside the main thread), Ctrl-C interrupts at once.
    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
