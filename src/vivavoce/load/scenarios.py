"""What is measured: streams that talk, streams that only listen, and how many a server bears."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack

import msgspec

from vivavoce.audio.format import AudioFormat
from vivavoce.client import Client
from vivavoce.load.figures import Spread, spread
from vivavoce.load.latency import Latencies, latencies
from vivavoce.load.log import StreamLog
from vivavoce.load.machine import Watch
from vivavoce.load.streams import CHUNK_SECONDS, speak_together
from vivavoce.protocol.messages import AudioChunkAck
from vivavoce.protocol.request import InitRequest

STAGGER = 0.37
"""Seconds between the beginnings of two streams: not a divisor of the chunk's 100 ms."""


class Voice(msgspec.Struct, frozen=True):
    """Speech to be sent: raw audio in a format of the wire."""

    audio: bytes
    format: AudioFormat

    def half(self, seconds: float = 10.0) -> "Voice":
        """The same with as much silence: ``seconds`` of speech, then ``seconds`` of silence."""
        size = round(seconds * self.format.sample_rate) * self.format.frame_bytes
        parts = (self.audio[at : at + size] for at in range(0, len(self.audio), size))
        return msgspec.structs.replace(
            self, audio=b"".join(part + bytes(len(part)) for part in parts)
        )

    def beginning(self, seconds: float) -> "Voice":
        """Its first seconds."""
        size = round(seconds * self.format.sample_rate) * self.format.frame_bytes
        return msgspec.structs.replace(self, audio=self.audio[:size])

    def silence(self, seconds: float) -> "Voice":
        """Nothing but silence."""
        size = round(seconds * self.format.sample_rate) * self.format.frame_bytes
        return msgspec.structs.replace(self, audio=bytes(size))


class Row(msgspec.Struct, frozen=True):
    """One run: ``streams`` at once. Latencies in seconds, as in ``load.latency``.

    Attributes:
        cpu_per_audio_second: processor seconds of the server for a second of audio; None where
            the server is not ours to look into.
        peak_mb: its most resident memory, all processes.
        driver_late: the most that a chunk left too late, our own fault: past 0.1 s the figures
            tell of the driver's machine.
    """

    streams: int
    audio_seconds: float
    time_to_final: Spread
    first_text: Spread
    word_shown: Spread
    word_final: Spread
    stop_to_final: Spread
    acknowledged: Spread
    words: int
    taken_back_per_word: float
    partials_per_second: float
    driver_late: float
    failures: tuple[str, ...] = ()
    cpu_per_audio_second: float | None = None
    peak_mb: float | None = None


class Bench(msgspec.Struct, frozen=True):
    """A server to be measured.

    Attributes:
        client: reaches it.
        request: what every session asks for; the voice's format is filled in.
        pid: its process, if it runs on this machine.
    """

    client: Client
    request: InitRequest
    pid: int | None = None

    async def run(self, voice: Voice, streams: int, *, stagger: float = STAGGER) -> Row:
        """Have ``streams`` speak at once."""
        request = msgspec.structs.replace(
            self.request,
            encoding=voice.format.encoding.value,
            bit_depth=voice.format.bit_depth,
            sample_rate=voice.format.sample_rate,
            channels=voice.format.channels,
        )
        async with AsyncExitStack() as stack:
            watch = await stack.enter_async_context(Watch(self.pid)) if self.pid else None
            logs = await speak_together(
                self.client, request, [voice.audio] * streams, stagger=stagger
            )
        row = summary(logs)
        if watch is None:
            return row
        cost = watch.cpu_seconds / max(row.audio_seconds, 1e-9)
        return msgspec.structs.replace(
            row,
            cpu_per_audio_second=round(cost, 4),
            peak_mb=round(watch.peak_bytes / 2**20, 1),
        )

    async def latency(self, voice: Voice, counts: Iterable[int]) -> AsyncIterator[Row]:
        """A row for each number of streams."""
        for count in counts:
            yield await self.run(voice, count)

    async def capacity(
        self, voice: Voice, *, most: int, bearable: Callable[[Row], bool]
    ) -> AsyncIterator[Row]:
        """Rows of a search for the largest number that is bearable: doubling, then halving."""
        good, bad = 0, most + 1
        count = 1
        while good + 1 < bad:
            row = await self.run(voice, count)
            yield row
            if bearable(row):
                good = count
            else:
                bad = count
            count = min(good * 2, most) if bad > most else (good + bad) // 2
            if count == good:
                return


def within(limit: float) -> Callable[[Row], bool]:
    """Whether every stream ended well and 95 % of the finals came within ``limit`` seconds."""

    def bearable(row: Row) -> bool:
        slow = row.time_to_final.p95
        return not row.failures and slow is not None and slow <= limit

    return bearable


def summary(logs: Sequence[StreamLog]) -> Row:
    """One run's figures from the logs of its streams."""
    found = Latencies()
    for log in logs:
        found.add(latencies(log))
    seconds = sum(log.seconds for log in logs)
    return Row(
        streams=len(logs),
        audio_seconds=round(seconds, 1),
        time_to_final=spread(found.time_to_final),
        first_text=spread(found.first_text),
        word_shown=spread(found.word_shown),
        word_final=spread(found.word_final),
        stop_to_final=spread(found.stop_to_final),
        acknowledged=spread([delay for log in logs for delay in acknowledgements(log)]),
        words=found.words,
        taken_back_per_word=round(found.taken_back / max(found.words, 1), 3),
        partials_per_second=round(found.partials / max(seconds, 1e-9), 2),
        driver_late=round(max(map(lateness, logs), default=0.0), 3),
        failures=tuple(log.failure for log in logs if log.failure),
    )


def lateness(log: StreamLog) -> float:
    """The most that a chunk left later than its last sample would have been spoken."""
    if not log.sent:
        return 0.0
    begun = log.sent[0] - log.ends[0]
    return max(sent - begun - end for sent, end in zip(log.sent, log.ends, strict=True))


def acknowledgements(log: StreamLog) -> list[float]:
    """Seconds from the sending of each chunk to its acknowledgement."""
    delays = []
    for seen in log.seen:
        message = seen.message
        if isinstance(message, AudioChunkAck) and message.acknowledged and message.data:
            chunk = round(message.data.time_range[1] / CHUNK_SECONDS) - 1
            if 0 <= chunk < len(log.sent):
                delays.append(seen.at - log.sent[chunk])
    return delays
