"""Divides one long session into slices to check that latency, memory and cost stay constant."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from vivavoce.load.figures import Spread, spread
from vivavoce.load.latency import latencies
from vivavoce.load.machine import Sample
from vivavoce.load.scenarios import Run

SLICE_SECONDS = 600.0
_MB = 2**20


class Slice(msgspec.Struct, frozen=True):
    """Some minutes of the session, in audio time.

    Attributes:
        start: seconds of audio before it.
        end: seconds of audio at its end.
        resident_mb: memory of the server when the slice's last chunk was sent.
    """

    start: float
    end: float
    finals: int
    words: int
    time_to_final: Spread
    word_final: Spread
    cpu_per_audio_second: float | None
    resident_mb: float | None


class Drift(msgspec.Struct, frozen=True):
    """The last third of the slices compared with the first third, without the first slice.

    A server fills its caches, tables and heap in the first slice.

    Attributes:
        time_to_final: increase of the median, in seconds.
        resident_mb: increase of the memory at the slices' ends.
        mb_per_hour: the same per hour of audio.
    """

    time_to_final: float | None
    resident_mb: float | None
    mb_per_hour: float | None


def slices(run: Run, length: float = SLICE_SECONDS) -> list[Slice]:
    """Divide the run of one stream into slices of ``length`` seconds of audio."""
    (log,) = run.logs
    edges = [index * length for index in range(int(log.seconds // length) + 1)]
    if log.seconds - edges[-1] > 1:
        edges.append(log.seconds)
    found = []
    for start, end in pairwise(edges):
        said = latencies(log, (start, end))
        before, after = (_sample(run.samples, log.spoken_at(edge)) for edge in (start, end))
        cost = after.cpu_seconds - before.cpu_seconds if before and after else None
        found.append(
            Slice(
                start,
                end,
                said.finals,
                said.words,
                spread(said.time_to_final),
                spread(said.word_final),
                None if cost is None else round(cost / (end - start), 4),
                round(after.resident_bytes / _MB, 1) if after else None,
            )
        )
    return found


def drift(found: Sequence[Slice]) -> Drift:
    """Return the increase from the beginning to the end."""
    settled = found[1:]
    third = len(settled) // 3
    if not third:
        return Drift(None, None, None)
    early, late = settled[:third], settled[-third:]
    slower = _difference(
        [each.time_to_final.p50 for each in early], [each.time_to_final.p50 for each in late]
    )
    larger = _difference([each.resident_mb for each in early], [each.resident_mb for each in late])
    hours = (late[-1].end - early[-1].end) / 3600
    hourly = None if larger is None else round(larger / hours, 2)
    return Drift(slower, larger, hourly)


def _difference(early: Sequence[float | None], late: Sequence[float | None]) -> float | None:
    one, other = ([value for value in part if value is not None] for part in (early, late))
    if not one or not other:
        return None
    return round(sum(other) / len(other) - sum(one) / len(one), 3)


def _sample(samples: Sequence[Sample], at: float) -> Sample | None:
    """Return the first reading at or after ``at``, or the last one."""
    return next((each for each in samples if each.at >= at), samples[-1] if samples else None)
