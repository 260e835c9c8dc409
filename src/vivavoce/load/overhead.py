"""How much more a server spends than the engine alone would on the same finals."""

from collections.abc import AsyncIterator, Iterable

import msgspec

from vivavoce.load.bare import Bare
from vivavoce.load.scenarios import Bench, Row
from vivavoce.load.voice import Voice


class OverheadRow(msgspec.Struct, frozen=True):
    """One run against the bare engine. Processor seconds of all streams together.

    Attributes:
        cores: cores that the server kept busy; it is saturated when that is all of them.
        server_cpu: of the whole server, partials included where they were asked for.
        decode_cpu: of it inside the engines, if the server tells.
        bare_cpu: of the bare engine on the same requests.
        bare_cpu_without_context: the same for the same spans without the speech before them.
        ratio: ``server_cpu`` over ``bare_cpu``; 1 is the limit.
        ratio_without_context: over ``bare_cpu_without_context``.
        finals: that came.
        finals_expected: that the bare engine gave.
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
    """A row for each number of streams that all say the voice from its beginning.

    Raises:
        ServerOutOfSightError: the bench knows no process of the server.
    """
    for count in counts:
        yield compared((await bench.run([voice] * count)).row, alone)


def compared(row: Row, alone: Bare) -> OverheadRow:
    """A run of streams that said what ``alone`` was measured on.

    Raises:
        ServerOutOfSightError: the row does not tell the server's processor time.
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
