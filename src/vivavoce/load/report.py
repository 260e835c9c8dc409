"""Rows as a table that can be read, in Markdown or on a terminal."""

from collections.abc import Callable, Sequence

from vivavoce.load.figures import Spread
from vivavoce.load.scenarios import Row

NOTHING = "-"

Column = tuple[str, Callable[[Row], str]]


def _spread(value: Spread, *, unit: float = 1.0, digits: int = 2) -> str:
    if value.p50 is None or value.p95 is None:
        return NOTHING
    return f"{value.p50 * unit:.{digits}f} / {value.p95 * unit:.{digits}f}"


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _milliseconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds * 1000:.1f}"


def _share(row: Row) -> str:
    """Cores in use while all of them spoke."""
    if row.cpu_per_audio_second is None:
        return NOTHING
    return f"{row.cpu_per_audio_second * row.streams:.2f}"


TALKING: tuple[Column, ...] = (
    ("streams", lambda row: str(row.streams)),
    ("time to final p50 / p95", lambda row: _spread(row.time_to_final)),
    ("first text", lambda row: _spread(row.first_text)),
    ("word shown", lambda row: _spread(row.word_shown)),
    ("word final", lambda row: _spread(row.word_final)),
    ("stop to last final", lambda row: _spread(row.stop_to_final)),
    ("partials / s", lambda row: f"{row.partials_per_second:.1f}"),
    ("taken back / word", lambda row: f"{row.taken_back_per_word:.2f}"),
    ("CPU s / audio s", lambda row: _number(row.cpu_per_audio_second, 3)),
    ("memory MB", lambda row: _number(row.peak_mb, 0)),
    ("failed", lambda row: str(len(row.failures))),
)
"""What is told of streams that talk; latencies in seconds, median and 95th percentile."""

LISTENING: tuple[Column, ...] = (
    ("sessions", lambda row: str(row.streams)),
    ("ack p50 / p95 ms", lambda row: _spread(row.acknowledged, unit=1000, digits=1)),
    ("ack p99 ms", lambda row: _milliseconds(row.acknowledged.p99)),
    ("acks / s", lambda row: f"{row.acknowledged.n * row.streams / row.audio_seconds:.0f}"),
    ("CPU share", _share),
    ("memory MB", lambda row: _number(row.peak_mb, 0)),
    ("driver late s", lambda row: f"{row.driver_late:.2f}"),
    ("failed", lambda row: str(len(row.failures))),
)
"""What is told of sessions of silence."""


def markdown(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [[name for name, _ in columns], ["---:"] * len(columns)]
    lines += [[tell(row) for _, tell in columns] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
