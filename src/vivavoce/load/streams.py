"""Streams that speak in real time, side by side, each a session of its own."""

import asyncio
import time
from collections.abc import Callable, Sequence

from vivavoce.audio.format import AudioFormat, Encoding
from vivavoce.client import Client, Session, VivavoceError
from vivavoce.load.log import Seen, StreamLog
from vivavoce.protocol.request import InitRequest

CHUNK_SECONDS = 0.1
FAREWELL_SECONDS = 120.0
"""How long after its stop a session may take to end."""

Clock = Callable[[], float]


async def speak(
    client: Client,
    request: InitRequest,
    audio: bytes,
    *,
    delay: float = 0.0,
    clock: Clock = time.monotonic,
) -> StreamLog:
    """One stream: chunks of 100 ms as they would be spoken, the stop, and all that comes back."""
    await asyncio.sleep(delay)
    log = StreamLog()
    try:
        session = await client.create(request)
        async with session:
            feeding = asyncio.create_task(_feed(session, request, audio, log, clock), name="speak")
            try:
                await _listen(session, log, clock)
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
    except (VivavoceError, TimeoutError) as error:
        log.failure = f"{type(error).__name__}: {error}"
    log.over = clock()
    return log


async def _feed(
    session: Session, request: InitRequest, audio: bytes, log: StreamLog, clock: Clock
) -> None:
    spoken = AudioFormat(
        Encoding(request.encoding), request.bit_depth, request.sample_rate, request.channels
    )
    size = round(spoken.sample_rate * CHUNK_SECONDS) * spoken.frame_bytes
    begun = clock()
    for start in range(0, len(audio), size):
        chunk = audio[start : start + size]
        end = spoken.seconds(start + len(chunk))
        if (wait := begun + end - clock()) > 0:
            await asyncio.sleep(wait)
        log.ends.append(end)
        log.sent.append(clock())
        await session.send_audio(chunk)
    log.stopped = clock()
    await session.stop()


async def _listen(session: Session, log: StreamLog, clock: Clock) -> None:
    async for message in session:
        log.seen.append(Seen(clock(), message))


async def speak_together(
    client: Client,
    request: InitRequest,
    voices: Sequence[bytes],
    *,
    stagger: float,
) -> list[StreamLog]:
    """A stream for each voice; they begin ``stagger`` seconds apart."""
    return await asyncio.gather(
        *(
            speak(client, request, audio, delay=index * stagger)
            for index, audio in enumerate(voices)
        )
    )
