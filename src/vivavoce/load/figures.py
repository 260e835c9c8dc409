"""Summarises samples by median, 95th and 99th percentile and maximum."""

from collections.abc import Sequence

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """Distribution of samples, in their unit; None without samples."""

    n: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    most: float | None = None


def spread(samples: Sequence[float]) -> Spread:
    """Compute percentiles by linear interpolation between the two nearest samples."""
    if not samples:
        return Spread(0)
    ordered = sorted(samples)
    p50, p95, p99 = (round(_quantile(ordered, share), 4) for share in (0.5, 0.95, 0.99))
    return Spread(len(ordered), p50, p95, p99, round(ordered[-1], 4))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
