"""Concurrent streams of speech, in real time or faster, each in its own session."""

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec

from vivavoce.client import Client, Session, VivavoceError
from vivavoce.load.log import Seen, StreamLog
from vivavoce.load.voice import CHUNK_SECONDS, GOLDEN, Voice
from vivavoce.protocol.request import InitRequest

FAREWELL_SECONDS = 120.0
"""Seconds a session may take to end after its stop."""

STAGGER = 0.37
"""Maximum seconds between the starts of two streams."""

SPREAD_SECONDS = 3.0
"""Seconds within which all streams start, so that they run concurrently."""

Clock = Callable[[], float]


def requested(request: InitRequest, voice: Voice) -> InitRequest:
    """Return the request with the voice's format filled in."""
    spoken = voice.format
    return msgspec.structs.replace(
        request,
        encoding=spoken.encoding.value,
        bit_depth=spoken.bit_depth,
        sample_rate=spoken.sample_rate,
        channels=spoken.channels,
    )


def delays(streams: int) -> list[float]:
    """Return each stream's start in seconds, such that no two send chunks at the same moment."""
    step = min(STAGGER, SPREAD_SECONDS / streams)
    return [index * step + index * GOLDEN % 1 * CHUNK_SECONDS for index in range(streams)]


async def speak(
    client: Client,
    request: InitRequest,
    voice: Voice,
    *,
    delay: float = 0.0,
    speed: float = 1.0,
    clock: Clock = time.monotonic,
) -> StreamLog:
    """Run one stream: send chunks of 100 ms at speaking pace, stop, and log all messages.

    Errors are recorded in its log, because they must not end the other streams.
    """
    await asyncio.sleep(delay)
    log = StreamLog(speed)
    try:
        session = await client.create(requested(request, voice))
        async with session, asyncio.timeout(None) as limit:
            feeding = asyncio.create_task(_feed(session, voice, log, limit, clock), name="speak")
            try:
                await _listen(session, log, clock)
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
    except TimeoutError:
        log.failure = f"had not ended {FAREWELL_SECONDS:g} s after its stop"
    except VivavoceError as error:
        log.failure = f"{type(error).__name__}: {error}"
    log.over = clock()
    return log


async def _feed(
    session: Session, voice: Voice, log: StreamLog, limit: asyncio.Timeout, clock: Clock
) -> None:
    spoken = voice.format
    size = round(spoken.sample_rate * CHUNK_SECONDS) * spoken.frame_bytes
    begun = clock()
    for start in range(0, len(voice.audio), size):
        chunk = voice.audio[start : start + size]
        end = spoken.seconds(start + len(chunk))
        if (wait := begun + end / log.speed - clock()) > 0:
            await asyncio.sleep(wait)
        log.ends.append(end)
        log.sent.append(clock())
        await session.send_audio(chunk)
    log.stopped = clock()
    await session.stop()
    limit.reschedule(asyncio.get_running_loop().time() + FAREWELL_SECONDS)


async def _listen(session: Session, log: StreamLog, clock: Clock) -> None:
    async for message in session:
        log.seen.append(Seen(clock(), message))


async def speak_together(
    client: Client, request: InitRequest, voices: Sequence[Voice], *, speed: float = 1.0
) -> list[StreamLog]:
    """Run one stream for each voice, with staggered starts."""
    beginnings = zip(voices, delays(len(voices)), strict=True)
    return await asyncio.gather(
        *(speak(client, request, voice, delay=delay, speed=speed) for voice, delay in beginnings)
    )
