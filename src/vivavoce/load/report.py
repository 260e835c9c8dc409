"""Formats measurements as Markdown tables that are also readable on a terminal."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from vivavoce.load.document import Capacity, Document, Ingest, Latency, Long, Overhead
from vivavoce.load.endurance import Slice
from vivavoce.load.figures import Spread
from vivavoce.load.ingest import IngestRow
from vivavoce.load.overhead import OverheadRow
from vivavoce.load.scenarios import Row

NOTHING = "-"

Thing = TypeVar("Thing")
Column = tuple[str, Callable[[Thing], str]]


def _pair(value: Spread, *, unit: float = 1.0, digits: int = 2) -> str:
    """Format the median and 95th percentile."""
    if value.p50 is None or value.p95 is None:
        return NOTHING
    return f"{value.p50 * unit:.{digits}f} / {value.p95 * unit:.{digits}f}"


def _triple(value: Spread, *, unit: float = 1.0, digits: int = 2) -> str:
    """Format the median, 95th and 99th percentile."""
    if value.p99 is None:
        return NOTHING
    return f"{_pair(value, unit=unit, digits=digits)} / {value.p99 * unit:.{digits}f}"


def number(value: float | None, digits: int) -> str:
    """Format a number, or the mark for none."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def _finals(row: OverheadRow) -> str:
    if row.finals == row.finals_expected:
        return str(row.finals)
    return f"{row.finals} of {row.finals_expected}"


def _held(row: Row) -> str:
    """Format how many of the event loop probes took more than 5 ms of computation."""
    if row.counted is None or not row.counted.loop_asked:
        return NOTHING
    return f"{row.counted.loop_held} of {row.counted.loop_asked}"


def _stable(row: Row) -> str:
    """Format the words marked as stable, those changed by a partial, those not in the final."""
    if not row.stable_age.n:
        return NOTHING
    return f"{row.stable_age.n} / {row.stable_broken} / {row.stable_refuted}"


TALKING: tuple[Column[Row], ...] = (
    ("streams", lambda row: str(row.streams)),
    ("time to final p50 / p95 / p99", lambda row: _triple(row.time_to_final)),
    ("first text p50 / p95", lambda row: _pair(row.first_text)),
    ("word shown", lambda row: _pair(row.word_shown)),
    ("word final", lambda row: _pair(row.word_final)),
    ("stop to last final", lambda row: _pair(row.stop_to_final)),
    ("partials / s", lambda row: f"{row.partials_per_second:.1f}"),
    ("shed", lambda row: str(row.counted.shed) if row.counted else NOTHING),
    ("taken back / word", lambda row: f"{row.taken_back_per_word:.2f}"),
    ("stable after", lambda row: _pair(row.stable_age)),
    ("stable / changed / refuted", _stable),
    ("CPU s / audio s", lambda row: number(row.cpu_per_audio_second, 3)),
    ("cores", lambda row: number(row.spent.cores if row.spent else None, 2)),
    ("loop > 5 ms", _held),
    ("memory MB", lambda row: number(row.spent.peak_mb if row.spent else None, 0)),
    ("other CPU s", lambda row: number(row.spent.other_cpu if row.spent else None, 1)),
    ("driver late s", lambda row: f"{row.driver_late:.2f}"),
    ("failed", lambda row: str(len(row.failures))),
)
"""Columns for streams of speech; latencies in seconds."""

SHOWING = (
    "first text p50 / p95",
    "word shown",
    "taken back / word",
    "stable after",
    "stable / changed / refuted",
)
"""Columns for partials alone."""

SEARCHED = tuple(column for column in TALKING if column[0] not in SHOWING)
"""Columns for a capacity search."""

COMPARED: tuple[Column[OverheadRow], ...] = (
    ("streams", lambda row: str(row.streams)),
    ("server CPU s", lambda row: f"{row.server_cpu:.1f}"),
    ("of it decoding", lambda row: number(row.decode_cpu, 1)),
    ("bare engine CPU s", lambda row: f"{row.bare_cpu:.1f}"),
    ("ratio", lambda row: f"{row.ratio:.2f}"),
    ("bare, no context", lambda row: f"{row.bare_cpu_without_context:.1f}"),
    ("ratio", lambda row: f"{row.ratio_without_context:.2f}"),
    ("cores", lambda row: f"{row.cores:.2f}"),
    ("finals", _finals),
    ("partials / s", lambda row: f"{row.partials_per_second:.1f}"),
    ("shed", lambda row: NOTHING if row.shed is None else str(row.shed)),
    ("time to final p95", lambda row: number(row.time_to_final_p95, 2)),
    ("other CPU s", lambda row: f"{row.other_cpu:.1f}"),
    ("failed", lambda row: str(len(row.failures))),
)
"""Columns for a server compared with the bare engine."""

LASTING: tuple[Column[Slice], ...] = (
    ("minutes", lambda part: f"{part.start / 60:.0f}-{part.end / 60:.0f}"),
    ("finals", lambda part: str(part.finals)),
    ("words", lambda part: str(part.words)),
    ("time to final p50 / p95", lambda part: _pair(part.time_to_final)),
    ("word final p50 / p95", lambda part: _pair(part.word_final)),
    ("CPU s / audio s", lambda part: number(part.cpu_per_audio_second, 4)),
    ("memory MB", lambda part: number(part.resident_mb, 0)),
)
"""Columns for a slice of a long session."""


def _each_core(row: IngestRow) -> str:
    cores = row.spent.cores
    return NOTHING if cores is None else f"{cores / row.sessions:.4f}"


def _each_mb(row: IngestRow) -> str:
    if row.spent.peak_mb is None or row.spent.begun_mb is None:
        return NOTHING
    return f"{(row.spent.peak_mb - row.spent.begun_mb) / row.sessions:.2f}"


LISTENING: tuple[Column[IngestRow], ...] = (
    ("sessions", lambda row: str(row.sessions)),
    ("ack p50 / p95 / p99 ms", lambda row: _triple(row.acknowledged, unit=1000, digits=1)),
    ("acks / s", lambda row: f"{row.acks_per_second:.0f}"),
    ("chunks", lambda row: f"{row.acknowledged.n} of {row.chunks}"),
    ("cores", lambda row: number(row.spent.cores, 2)),
    ("cores / session", _each_core),
    ("memory MB", lambda row: number(row.spent.peak_mb, 0)),
    ("MB / session", _each_mb),
    ("driver CPU s / s", lambda row: f"{row.spent.driver_cpu / max(row.spent.wall, 1e-9):.2f}"),
    ("driver late s", lambda row: f"{row.driver_late:.3f}"),
    ("other CPU s", lambda row: f"{row.spent.other_cpu:.1f}"),
    ("failed", lambda row: str(len(row.failures))),
)
"""Columns for sessions of silence."""


def markdown(columns: Sequence[Column[Thing]], rows: Iterable[Thing]) -> str:
    """Format a Markdown table."""
    lines = [[name for name, _ in columns], ["---:"] * len(columns)]
    lines += [[tell(row) for _, tell in columns] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def told(document: Document) -> str:
    """Format a measurement as its table and a line of conclusions."""
    match document:
        case Latency():
            return markdown(TALKING, document.rows)
        case Capacity():
            rows = sorted(document.rows, key=lambda row: row.streams)
            return f"{markdown(SEARCHED, rows)}\n\n{_borne(document)}"
        case Overhead():
            return f"{markdown(COMPARED, document.rows)}\n\n{_alone(document)}"
        case Long():
            return f"{markdown(LASTING, document.slices)}\n\n{_drifted(document)}"
        case Ingest():
            return markdown(LISTENING, document.rows)


def _borne(found: Capacity) -> str:
    return (
        f"Streams with 95 % of finals within {found.limit:g} s: {found.within}. "
        f"Streams before finals fall {found.slip:g} s behind: {found.before_slipping}."
    )


def _alone(found: Overhead) -> str:
    bare = found.bare
    return (
        f"One stream alone: {bare.spans} spans with {bare.span_seconds:g} s of audio; the bare "
        f"engine takes {bare.cpu:.2f} CPU s for them, {bare.cpu_without_context:.2f} without "
        f"context; voice activity takes {bare.voice_activity_cpu:.2f}."
    )


def _drifted(found: Long) -> str:
    drift = found.drift
    if drift.resident_mb is None and drift.time_to_final is None:
        return f"At {found.speed:g} times real time; too short to measure a drift."
    return (
        f"At {found.speed:g} times real time. Last third minus first third: time to final "
        f"{_signed(drift.time_to_final, 's')}, memory {_signed(drift.resident_mb, 'MB')} "
        f"({_signed(drift.mb_per_hour, 'MB')} an hour). Failed: {len(found.whole.failures)}; "
        f"driver late at most {found.whole.driver_late:.2f} s."
    )


def _signed(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:+.2f} {unit}"
