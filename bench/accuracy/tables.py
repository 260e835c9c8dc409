"""Generates the tables of ``docs/benchmarks/accuracy.md`` from stored results.

The page's text is written by hand; each table is between ``<!-- made: NAME ARGUMENTS -->`` and
``<!-- end -->``.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from accuracy.change import made_up
from accuracy.reading import marks
from accuracy.results import FOLDER, Results, Row, common, cpu, read, results_file
from accuracy.scatter import Cells, scatter, worst
from accuracy.scoring import difference_interval, pooled, rate_interval
from accuracy.settings import WHOLE

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "accuracy.md"

_MADE = re.compile(r"(<!-- made: ([^>]+?) -->).*?(<!-- end -->)", re.DOTALL)
TARGETS = (
    ("read", "0.3/15", 1.5),
    ("read", "0.05/5", 2.5),
    ("telephone prompts", "0.05/5", 2.5),
    ("long form", "0.3/15", 1.0),
)
"""Maximum cost of live use: group, setting, points of the error rate."""
MOST_EXTRA = 2
"""Maximum additional CPU cost of context, as a multiple of the CPU of finals alone."""
KINDS = {
    "native, wide band": ("read", "long form", "spontaneous", "several speakers"),
    "non-native, wide band": ("non-native",),
    "native, telephone": ("telephone prompts", "telephone band"),
    "digits and letters": ("digits and letters",),
    "noisy, reverberant, faint": ("noisy, reverberant, faint",),
}

Lines = Iterable[str]


class NoResultsError(Exception):
    """A table requires results that are not stored."""


def with_tables(page: str, folder: Path = FOLDER) -> str:
    """Return the page with every table regenerated whose results are stored."""

    def made(found: re.Match[str]) -> str:
        name, *arguments = found[2].split()
        try:
            lines = list(_TABLES[name](folder, *arguments))
        except NoResultsError:
            return found[0]
        return "\n".join((found[1], "", *lines, "", found[3]))

    return _MADE.sub(made, page)


def _kept(folder: Path, model: str, language: str) -> Results:
    path = results_file(folder, model, language)
    if (found := read(path)) is None:
        raise NoResultsError(f"{path} is missing")
    return found


def _with(results: Results, *settings: str) -> Results:
    if not {*settings} <= {*results.head.settings}:
        raise NoResultsError(f"{results.head.model} was not heard at {', '.join(settings)}")
    return results


def errors(folder: Path, model: str, language: str, setting: str) -> Lines:
    """Format each group whole, alone and live."""
    results = _kept(folder, model, language)
    return error_table(_with(results, WHOLE.name, f"{setting} alone", setting), setting)


def error_table(results: Results, setting: str) -> Lines:
    """Format the same for given results."""
    yield (
        "| group | recordings | seconds | words | whole, % | alone, % | live, % | 95 % | sub | del "
        "| ins | live - whole | 95 % | live - alone | 95 % |"
    )
    yield "|" + "---|" * 15
    for group in results.groups:
        yield _error_line(group, results.group(group), setting)
    yield _error_line("**all**", results.group(None), setting)


def _error_line(name: str, rows: Sequence[Row], setting: str) -> str:
    ways = (WHOLE.name, f"{setting} alone", setting)
    whole, alone, live = ([row.errors(way) for row in rows] for way in ways)
    total = pooled(live)
    cells = (
        *(name, len(rows), f"{sum(row.seconds for row in rows):.0f}", total.words),
        *(f"{pooled(each).rate:.1f}" for each in (whole, alone, live)),
        _between(rate_interval(live), ".1f"),
        *(total.substitutions, total.deletions, total.insertions),
        f"{total.rate - pooled(whole).rate:+.1f}",
        _between(difference_interval(live, whole), "+.1f"),
        f"{total.rate - pooled(alone).rate:+.1f}",
        _between(difference_interval(live, alone), "+.1f"),
    )
    return _row(cells)


def summary(folder: Path, language: str, *models: str) -> Lines:
    """Format every model and setting over all recordings."""
    yield (
        "| model | recordings | setting | errors, % | 95 % | words without speech "
        "| finals | CPU s per audio s |"
    )
    yield "|" + "---|" * 8
    for model in models:
        results = _kept(folder, model, language)
        rows = results.group(None)
        for setting in results.head.settings:
            found = [row.errors(setting) for row in rows]
            yield _row(
                (
                    *(model, len(rows), setting, f"{pooled(found).rate:.1f}"),
                    *(_between(rate_interval(found), ".1f"), made_up(results, setting)),
                    sum(row.scores[setting].utterances for row in rows),
                    f"{cpu(results.rows, setting):.3f}",
                )
            )


def targets(folder: Path, model: str, language: str) -> Lines:
    """Format the cost of live use for groups with a target."""
    results = _kept(folder, model, language)
    yield "| | whole, % | alone - whole | live - whole | target | |"
    yield "|---|---|---|---|---|---|"
    for group, setting, most in TARGETS:
        rows = results.group(group)
        ways = (WHOLE.name, f"{setting} alone", setting)
        whole, alone, live = (pooled([row.errors(way) for row in rows]).rate for way in ways)
        over = live - whole - most
        verdict = "reached" if over <= 0 else f"missed by {over:.1f}"
        cells = (f"{group}, {setting}", f"{whole:.1f}", f"{alone - whole:+.1f}")
        yield _row((*cells, f"{live - whole:+.1f}", f"{most:+.1f}", verdict))
    silent = [each for each in results.head.settings if each != WHOLE.name]
    words = sum(made_up(results, setting) for setting in silent)
    yield _row(("words without speech, all settings", "", "", words, 0, _reached(words)))
    for setting in (each for each in silent if f"{each} alone" in silent):
        times = cpu(results.rows, setting) / cpu(results.rows, f"{setting} alone")
        over = times - 1 - MOST_EXTRA
        verdict = "reached" if over <= 0 else f"missed by {over:.1f}"
        extra = f"{times - 1:.1f} times alone ({times:.1f} in all)"
        yield _row((f"extra CPU of finals, {setting}", "", "", extra, MOST_EXTRA, verdict))


def _reached(words: int) -> str:
    return "missed" if words else "reached"


def models(folder: Path, language: str, setting: str, first: str, *others: str) -> Lines:
    """Compare models on the recordings that all of them have transcribed."""
    every = [_with(_kept(folder, model, language), setting) for model in (first, *others)]
    rows = [[row for row, _ in common(every[0], one, setting)] for one in every]
    heard_by_all = set.intersection(*({row.id for row in some} for some in rows))
    names = (first, *others)
    yield _row(
        ("kind", "recordings", "words", *(f"{name}, %" for name in names), "difference", "95 %")
    )
    yield "|" + "---|" * (5 + len(names))
    for kind, groups in (*KINDS.items(), ("**all**", tuple(every[0].groups))):
        yield _models_line(kind, groups, every, heard_by_all, setting)
    costs = (f"{cpu([r for r in one.rows if r.id in heard_by_all], setting):.3f}" for one in every)
    yield _row(("CPU s per audio s, finals", "", "", *costs, "", ""))


def _models_line(
    kind: str, groups: Sequence[str], every: Sequence[Results], ids: set[str], setting: str
) -> str:
    found = [
        {row.id: row.errors(setting) for row in one.rows if row.id in ids and row.group in groups}
        for one in every
    ]
    first, last = (list(found[0].values()), [found[-1][each] for each in found[0]])
    rates = [pooled(list(each.values())).rate for each in found]
    return _row(
        (
            *(kind, len(first), pooled(first).words, *(f"{rate:.1f}" for rate in rates)),
            f"{rates[-1] - rates[0]:+.1f}",
            _between(difference_interval(last, first), "+.1f"),
        )
    )


def by_recording(folder: Path, model: str, language: str) -> Lines:
    """Format the numbers of recordings better or worse than alone."""
    return _table(scatter(_kept(folder, model, language)))


def worse(folder: Path, model: str, language: str) -> Lines:
    """List the recordings that are worse than alone."""
    return _table(worst(_kept(folder, model, language)))


def cuts(folder: Path, model: str, language: str) -> Lines:
    """Format punctuation and capitals at the cuts between finals."""
    return _table(marks(_kept(folder, model, language)))


def _table(rows: Iterable[Cells]) -> Lines:
    head, *body = rows
    return [_row(head), "|" + "---|" * len(head), *map(_row, body)]


def _between(interval: tuple[float, float] | None, form: str) -> str:
    return " to ".join(f"{end:{form}}" for end in interval) if interval else "-"


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


_TABLES: dict[str, Callable[..., Lines]] = {
    "errors": errors,
    "summary": summary,
    "targets": targets,
    "models": models,
    "by-recording": by_recording,
    "worse": worse,
    "cuts": cuts,
}
