"""The same recordings decoded alone and with context, side by side."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from accuracy.corpus import DIGITS, NO_SPEECH
from accuracy.reading import Cuts
from accuracy.scoring import Errors, difference_interval, pooled

SHORT = 3
"""Words of a short answer, at most."""

Pair = tuple["Row", "Row"]


class Row(msgspec.Struct, frozen=True):
    """A recording: its errors, what its finals cost, and how they read."""

    id: str
    group: str
    words: int
    wrong: int
    utterances: int
    cpu: float
    cuts: Cuts


def half(recording_id: str) -> int:
    """Which half of the recordings one is in, for tuning (0) or for the report (1)."""
    return hashlib.sha256(recording_id.encode()).digest()[0] % 2


def show(rows: Sequence[Row], other: Sequence[Row], seconds: float) -> None:
    """Print a line for each group, then every recording that context changed."""
    pairs = list(zip(rows, other, strict=True))
    print("| group | recordings | words | alone, % | with context, % | difference | 95 % "
          "| halves: alone | with context |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    spoken = [pair for pair in pairs if pair[0].group != NO_SPEECH]
    for group in dict.fromkeys(row.group for row, _ in spoken):
        _show_line(group, [pair for pair in spoken if pair[0].group == group])
    _show_line("at most three words", [p for p in spoken if _is_short(p[0])])
    _show_line("**all**", spoken)
    costs = [sum(row.cpu for row in each) / seconds for each in (other, rows)]
    print(f"\nCPU s per audio s: alone {costs[0]:.3f}, with context {costs[1]:.3f}")
    silent = [pair for pair in pairs if pair[0].group == NO_SPEECH]
    print(f"Words without speech: alone {_wrong(b for _, b in silent)}, "
          f"with context {_wrong(a for a, _ in silent)}, {len(silent)} recordings")  # fmt: skip
    for name, each in ("alone", other), ("with context", rows):
        print(f"Cuts, {name}: {sum((row.cuts for row in each), Cuts())}")
    _show_scatter(pairs)


def _is_short(row: Row) -> bool:
    return row.words <= SHORT and row.group != DIGITS


def _show_line(name: str, pairs: Sequence[Pair]) -> None:
    ours, theirs = [_errors(a) for a, _ in pairs], [_errors(b) for _, b in pairs]
    a, b = pooled(ours), pooled(theirs)
    interval = difference_interval(ours, theirs)
    between = "-" if interval is None else f"{interval[0]:+.1f} to {interval[1]:+.1f}"
    print(f"| {name} | {len(pairs)} | {a.words} | {b.rate:.1f} | {a.rate:.1f} "
          f"| {a.rate - b.rate:+.1f} | {between} "
          f"| {_halves(b for _, b in pairs)} | {_halves(a for a, _ in pairs)} |")  # fmt: skip


def table(rows: Sequence[Row], other: Sequence[Row]) -> bytes:
    """Every recording in a line of JSON: its words, and the errors alone and with context."""
    lines = (
        msgspec.json.encode(
            {
                "id": a.id,
                "group": a.group,
                "words": a.words,
                "alone": b.wrong,
                "context": a.wrong,
                "utterances": a.utterances,
            }
        )
        for a, b in zip(rows, other, strict=True)
    )
    return b"".join(line + b"\n" for line in lines)


def _wrong(rows: Iterable[Row]) -> int:
    return sum(row.wrong for row in rows)


def _halves(rows: Iterable[Row]) -> str:
    """The rate of each half."""
    found = list(rows)
    rates = [pooled([_errors(row) for row in found if half(row.id) == n]).rate for n in (0, 1)]
    return f"{rates[0]:.1f} / {rates[1]:.1f}"


def _errors(row: Row) -> Errors:
    return Errors(words=row.words, insertions=row.wrong)


def _show_scatter(pairs: Iterable[Pair]) -> None:
    changes = [(a.wrong - b.wrong, a, b) for a, b in pairs]
    tally = Counter(change for change, _, _ in changes)
    print("errors more or fewer with context: recordings: " + ", ".join(
        f"{change:+d}: {tally[change]}" for change in sorted(tally)))  # fmt: skip
    for change, a, b in sorted(changes, key=lambda each: each[0]):
        if abs(change) > 1:
            print(f"  {change:+d}  {a.id}  ({b.wrong} -> {a.wrong} of {a.words})")
