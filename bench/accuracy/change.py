"""Compares new results with stored ones: what is better or worse, and whether significantly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accuracy.results import Results, Row, common
from accuracy.scoring import Interval, difference_interval, pooled

ALL = "all"
SURE_OF_ALL = 95.0
SURE_OF_A_GROUP = 99.5
"""Confidence in per cent; higher for one of a dozen groups, of which one changes by chance."""


@dataclass(frozen=True, slots=True)
class Change:
    """One group in one setting, before and after, in points of the error rate."""

    setting: str
    group: str
    recordings: int
    before: float
    after: float
    interval: Interval | None

    @property
    def loss(self) -> bool:
        """Whether it is significantly worse."""
        return self.interval is not None and self.interval[0] > 0


def changes(new: Results, old: Results) -> list[Change]:
    """Compare all common groups and settings, pooled over the common recordings."""
    settings = [each for each in new.head.settings if each in old.head.settings]
    return [change for setting in settings for change in _of(setting, common(new, old, setting))]


def _of(setting: str, pairs: Sequence[tuple[Row, Row]]) -> Iterator[Change]:
    spoken = [pair for pair in pairs if pair[0].words]
    yield _change(setting, ALL, spoken, SURE_OF_ALL)
    for group in dict.fromkeys(row.group for row, _ in spoken):
        some = [pair for pair in spoken if pair[0].group == group]
        yield _change(setting, group, some, SURE_OF_A_GROUP)


def _change(setting: str, group: str, pairs: Sequence[tuple[Row, Row]], sure: float) -> Change:
    after = [row.errors(setting) for row, _ in pairs]
    before = [row.errors(setting) for _, row in pairs]
    interval = difference_interval(after, before, sure)
    return Change(setting, group, len(pairs), pooled(before).rate, pooled(after).rate, interval)


def made_up(results: Results, setting: str) -> int:
    """Count the words recognised in audio without speech."""
    return sum(row.scores[setting].insertions for row in results.rows if not row.words)


def report(new: Results, old: Results) -> tuple[list[str], list[str]]:
    """Return table rows of the changes, and the regressions as text: none if nothing is worse."""
    found = changes(new, old)
    moved = [each for each in found if each.before != each.after or each.group == ALL]
    lines = [
        "| setting | group | recordings | before, % | now, % | change | interval |",
        "|---|---|---|---|---|---|---|",
        *(_line(each) for each in moved),
    ]
    losses = [
        f"{each.setting}, {each.group}: {each.before:.1f} % before, {each.after:.1f} % now"
        for each in found
        if each.loss
    ]
    for setting in new.head.settings:
        if setting in old.head.settings and setting != "whole":
            before, now = made_up(old, setting), made_up(new, setting)
            if now > before:
                losses.append(f"{setting}: {now} words without speech, {before} before")
    return lines, losses


def _line(each: Change) -> str:
    between = "-" if each.interval is None else "{:+.1f} to {:+.1f}".format(*each.interval)
    loss = " **loss**" if each.loss else ""
    return (
        f"| {each.setting} | {each.group} | {each.recordings} | {each.before:.1f} "
        f"| {each.after:.1f} | {each.after - each.before:+.1f} | {between}{loss} |"
    )
