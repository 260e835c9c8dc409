"""Compares a server's processor time with that of the engine alone on the same finals."""

from collections.abc import AsyncIterator, Iterable

import msgspec

from vivavoce.load.bare import Bare
from vivavoce.load.scenarios import Bench, Row
from vivavoce.load.voice import Voice


class OverheadRow(msgspec.Struct, frozen=True):
    """One run compared with the bare engine, in processor seconds of all streams together.

    Attributes:
        cores: cores that the server kept busy; all cores mean saturation.
        server_cpu: used by the whole server, including partials if requested.
        decode_cpu: the part of it inside the engines, if the server reports it.
        bare_cpu: used by the bare engine on the same requests.
        bare_cpu_without_context: used on the same spans without the preceding speech.
        ratio: ``server_cpu`` over ``bare_cpu``; 1 is the ideal.
        ratio_without_context: ``server_cpu`` over ``bare_cpu_without_context``.
        finals: finals received.
        finals_expected: finals of the bare engine.
    """

    streams: int
    audio_seconds: float
    cores: float
    server_cpu: float
    decode_cpu: float | None
    bare_cpu: float
    bare_cpu_without_context: float
    ratio: float
    ratio_without_context: float
    finals: int
    finals_expected: int
    partials_per_second: float
    shed: int | None
    time_to_final_p95: float | None
    other_cpu: float
    failures: tuple[str, ...]


class ServerOutOfSightError(Exception):
    """The server's processor time cannot be read, so it cannot be compared."""


async def overhead(
    bench: Bench, voice: Voice, alone: Bare, counts: Iterable[int]
) -> AsyncIterator[OverheadRow]:
    """Measure each number of streams, which all send the voice from its beginning.

    Raises:
        ServerOutOfSightError: the bench does not know the server's process.
    """
    for count in counts:
        yield compared((await bench.run([voice] * count)).row, alone)


def compared(row: Row, alone: Bare) -> OverheadRow:
    """Compare a run with ``alone``, measured on the same speech.

    Raises:
        ServerOutOfSightError: the row does not contain the server's processor time.
    """
    spent = row.spent
    if spent is None or spent.server_cpu is None or spent.cores is None:
        raise ServerOutOfSightError("the server's processor time is not known: name its --pid")
    bare_cpu, without = (cpu * row.streams for cpu in (alone.cpu, alone.cpu_without_context))
    return OverheadRow(
        streams=row.streams,
        audio_seconds=row.audio_seconds,
        cores=round(spent.cores, 2),
        server_cpu=spent.server_cpu,
        decode_cpu=row.counted.decode_cpu if row.counted else None,
        bare_cpu=round(bare_cpu, 3),
        bare_cpu_without_context=round(without, 3),
        ratio=_ratio(spent.server_cpu, bare_cpu),
        ratio_without_context=_ratio(spent.server_cpu, without),
        finals=row.finals,
        finals_expected=alone.finals * row.streams,
        partials_per_second=row.partials_per_second,
        shed=row.counted.shed if row.counted else None,
        time_to_final_p95=row.time_to_final.p95,
        other_cpu=spent.other_cpu,
        failures=row.failures,
    )


def _ratio(server: float, bare: float) -> float:
    return round(server / max(bare, 1e-9), 2)
