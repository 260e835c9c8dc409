"""Benchmarks with streams of speech: latency, capacity and long sessions."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import msgspec

from vivavoce.client import Client
from vivavoce.load import counters
from vivavoce.load.counters import Counted
from vivavoce.load.figures import Spread, spread
from vivavoce.load.latency import Latencies, latencies
from vivavoce.load.log import StreamLog
from vivavoce.load.machine import Sample, Spent, Watch
from vivavoce.load.streams import speak_together
from vivavoce.load.voice import CHUNK_SECONDS, Voice
from vivavoce.protocol.messages import AudioChunkAck
from vivavoce.protocol.request import InitRequest

FINE = 8
"""A capacity search ends at a precision of one eighth of the result."""


class Row(msgspec.Struct, frozen=True):
    """One run with ``streams`` at once; latencies in seconds, as in ``load.latency``.

    Attributes:
        partials_per_second: partials a stream received per second of its audio.
        stable_age: time from a word's end to its being marked as stable.
        stable_broken: stable words changed by a later partial; must be 0.
        stable_refuted: stable words not in the final.
        driver_late: greatest delay of a sent chunk, caused by this program; above 0.1 s the
            figures describe the driver's machine.
        spent: cost of the run; None until measured.
        counted: increments of the server's counters; None if it exposes none.
    """

    streams: int
    audio_seconds: float
    time_to_final: Spread
    first_text: Spread
    word_shown: Spread
    word_final: Spread
    stop_to_final: Spread
    acknowledged: Spread
    finals: int
    words: int
    taken_back_per_word: float
    partials_per_second: float
    driver_late: float
    failures: tuple[str, ...] = ()
    spent: Spent | None = None
    counted: Counted | None = None
    stable_age: Spread = Spread(0)
    stable_broken: int = 0
    stable_refuted: int = 0

    @property
    def cpu_per_audio_second(self) -> float | None:
        """Processor seconds of the server per second of audio, if they can be read."""
        if self.spent is None or self.spent.server_cpu is None:
            return None
        return self.spent.server_cpu / max(self.audio_seconds, 1e-9)


class Run(msgspec.Struct, frozen=True):
    """A row and the data it was computed from."""

    row: Row
    logs: Sequence[StreamLog]
    samples: Sequence[Sample]


class Bench(msgspec.Struct, frozen=True):
    """A server to measure.

    Attributes:
        client: client of the server.
        request: every session's request, to which the voice's format is added.
        url: the server's address, for its metrics.
        api_key: the server's key.
        pid: id of the server's process, if it runs on this machine.
    """

    client: Client
    request: InitRequest
    url: str
    api_key: str = ""
    pid: int | None = None

    async def run(self, voices: Sequence[Voice], *, speed: float = 1.0) -> Run:
        """Run one stream for each voice, all at once."""
        before = await counters.read(self.url, self.api_key)
        async with Watch(self.pid) as watch:
            logs = await speak_together(self.client, self.request, voices, speed=speed)
        counted = counters.between(before, await counters.read(self.url, self.api_key))
        row = msgspec.structs.replace(summary(logs), spent=watch.spent(), counted=counted)
        return Run(row, logs, watch.samples)

    async def together(self, voice: Voice, streams: int) -> Row:
        """Run ``streams`` streams of the same voice, each starting at a different position."""
        return (await self.run([voice.turned(number) for number in range(streams)])).row

    async def latency(self, voice: Voice, counts: Iterable[int]) -> AsyncIterator[Row]:
        """Measure each number of streams."""
        for count in counts:
            yield await self.together(voice, count)


Judgement = Callable[[Row], bool]


async def search(
    run: Callable[[int], AsyncIterator[Row]],
    bearable: Judgement,
    *,
    first: int,
    most: int,
    known: dict[int, Row],
) -> AsyncIterator[Row]:
    """Search for the largest bearable number of streams; yield the measured rows.

    The number doubles until it is too large; then the interval is halved down to an eighth.

    Args:
        run: measures a number of streams.
        bearable: decides whether a row is bearable.
        first: the first number of streams.
        most: the maximum number of streams.
        known: rows by number of streams; known numbers are not measured again, and new rows are
            added.
    """
    good, bad, count = 0, most + 1, min(first, most)
    while count > good:
        if count not in known:
            async for row in run(count):
                known[count] = row
                yield row
        if bearable(known[count]):
            good = count
        else:
            bad = count
        count = min(good * 2, most) if bad > most else (good + bad) // 2
        if bad <= most and bad - good <= max(1, good // FINE):
            return


def most_borne(rows: Iterable[Row], bearable: Judgement) -> int:
    """Return the largest number below the smallest that was not bearable; 0 if none was."""
    good = 0
    for row in sorted(rows, key=lambda each: each.streams):
        if not bearable(row):
            break
        good = row.streams
    return good


def within(limit: float) -> Judgement:
    """Require that all streams end normally and 95 % of finals arrive within ``limit`` seconds."""
    return lambda row: not row.failures and _at_most(row.time_to_final, limit)


def not_slipping(alone: Row, seconds: float = 1.0) -> Judgement:
    """Require that all streams end normally and words become final about as soon as for one.

    The 95th percentile may be at most ``seconds`` higher than for one stream. All finals count,
    also those of utterances cut at the maximum duration.
    """
    limit = (alone.word_final.p95 or 0.0) + seconds
    return lambda row: not row.failures and _at_most(row.word_final, limit)


def _at_most(found: Spread, limit: float) -> bool:
    return found.p95 is not None and found.p95 <= limit


def summary(logs: Sequence[StreamLog]) -> Row:
    """Compute one run's figures from the logs of its streams."""
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
        finals=found.finals,
        words=found.words,
        taken_back_per_word=round(found.taken_back / max(found.words, 1), 3),
        partials_per_second=round(found.partials / max(seconds, 1e-9), 2),
        driver_late=round(max((log.late for log in logs), default=0.0), 3),
        failures=tuple(log.failure for log in logs if log.failure),
        stable_age=spread(found.stable.ages),
        stable_broken=found.stable.broken,
        stable_refuted=found.stable.refuted,
    )


def acknowledgements(log: StreamLog) -> list[float]:
    """Return the seconds from the sending of each chunk to its acknowledgement."""
    delays = []
    for seen in log.seen:
        message = seen.message
        if isinstance(message, AudioChunkAck) and message.acknowledged and message.data:
            chunk = round(message.data.time_range[1] / CHUNK_SECONDS) - 1
            if 0 <= chunk < len(log.sent):
                delays.append(seen.at - log.sent[chunk])
    return delays
