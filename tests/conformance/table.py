"""A pytest plugin: the run as a table of the contract's checks, on the terminal or as a page.

The number of a check stands in its test's name, its text in the docstring, its group in the
name of the file.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

GROUPS = {
    "A": "Session creation",
    "B": "Authentication and errors",
    "C": "Job routes",
    "D": "Handshake and connection",
    "E": "Audio and acknowledgements",
    "F": "Resume",
    "G": "Ending",
    "H": "Transcripts and speech events",
    "I": "Add-ons",
    "J": "Post-processing and lifecycle",
    "K": "Callbacks and webhooks",
    "L": "Channels, limits, clients",
    "M": "Behaviour of real clients beyond the documentation",
}
NUMBERS = tuple(range(1, 161))
"""Of the checks; those that are missing belong to work that is still to come."""

PASS, FAIL, EXPECTED, SKIPPED = "pass", "FAIL", "expected failure", "skipped"
KINDS = (PASS, FAIL, EXPECTED, SKIPPED)

_NUMBER = re.compile(r"test_(\d{3})_")
_GROUP = re.compile(r"test_([a-m])_")

INTRODUCTION = """\
# Conformance

The {count} checks of the contract of the live v2 API, run against a real server process over real
sockets with real speech. `make conformance` runs them and prints this table; `make
conformance-page` writes this page. An expected failure is a check of a feature that a later issue
adds; if such a check passes, the run fails.
"""


@dataclass(frozen=True)
class Check:
    """One assertion of the contract and how it fared."""

    number: int
    group: str
    text: str
    kind: str = "not run"
    reason: str = ""

    @property
    def outcome(self) -> str:
        """The kind of outcome with its reason."""
        return f"{self.kind} ({self.reason})" if self.reason else self.kind

    @property
    def brief(self) -> str:
        """The same with no more of an issue than its number."""
        return re.sub(r"\((issue \d+):.*\)$", r"(\1)", self.outcome)


class Table:
    """Follows the run and tells of it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._print = bool(config.getoption("--checks", default=False))
        self._page: str | None = config.getoption("--page", default=None)
        self._checks: dict[str, Check] = {}

    @property
    def checks(self) -> list[Check]:
        """Every check that was collected, by number."""
        return merged(self._checks.values())

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Note the checks among the tests."""
        for item in items:
            number, group = _NUMBER.match(item.name), _GROUP.match(item.path.name)
            if number and group and isinstance(item, pytest.Function):
                text = " ".join((item.function.__doc__ or "").split("\n\n")[0].split())
                self._checks[item.nodeid] = Check(int(number[1]), group[1].upper(), text)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a check fares; a fault in any phase fails it."""
        check = self._checks.get(report.nodeid)
        if check is None or check.kind == FAIL or (report.passed and report.when != "call"):
            return
        kind, reason = _outcome(report)
        self._checks[report.nodeid] = Check(check.number, check.group, check.text, kind, reason)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, write the page."""
        if self._print and self._checks:
            terminalreporter.section("the checks of the contract")
            for row in rows(self.checks):
                terminalreporter.write_line(row)
        if self._page:
            Path(self._page).write_text(page(self.checks))
            terminalreporter.write_line(f"written to {self._page}")


def _outcome(report: pytest.TestReport) -> tuple[str, str]:
    if report.failed:
        return FAIL, ""
    if report.passed:
        return PASS, ""
    if (expected := getattr(report, "wasxfail", None)) is not None:
        return EXPECTED, str(expected).removeprefix("reason: ")
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return SKIPPED, reason.removeprefix("Skipped: ")


def merged(cases: Iterable[Check]) -> list[Check]:
    """One check for each number: where it has several cases, the one that fared worst."""
    found: dict[int, Check] = {}
    for case in cases:
        known = found.get(case.number)
        if known is None or _badness(case) > _badness(known):
            found[case.number] = case
    return [found[number] for number in sorted(found)]


def _badness(check: Check) -> int:
    order = (PASS, EXPECTED, SKIPPED, Check.kind, FAIL)
    return order.index(check.kind)


def rows(checks: Sequence[Check]) -> Iterator[str]:
    """The table as lines for a terminal."""
    for group, members in grouped(checks):
        yield f"{group}. {GROUPS[group]}"
        for check in members:
            yield f"{check.number:5}  {check.brief:6}  {check.text}"
    yield ""
    width = max(map(len, GROUPS.values())) + 3
    yield f"{'group':{width}}  checks  " + "  ".join(f"{kind:>6}" for kind in KINDS)
    for name, counts in totals(checks):
        cells = "  ".join(f"{counts[kind]:{max(len(kind), 6)}}" for kind in KINDS)
        yield f"{name:{width}}  {counts.total():6}  {cells}"


def page(checks: Sequence[Check]) -> str:
    """The table as Markdown."""
    lines = [INTRODUCTION.format(count=len(NUMBERS))]
    lines += ["| Group | Checks | " + " | ".join(kind.capitalize() for kind in KINDS) + " |"]
    lines += ["|---|" + "---:|" * (len(KINDS) + 1)]
    for name, counts in totals(checks):
        cells = " | ".join(str(counts[kind]) for kind in KINDS)
        lines.append(f"| {name} | {counts.total()} | {cells} |")
    for group, members in grouped(checks):
        lines += ["", f"## {group}. {GROUPS[group]}", "", "| # | Assertion | Outcome |"]
        lines += ["|---:|---|---|"]
        lines += [f"| {c.number} | {_cell(c.text)} | {_cell(c.outcome)} |" for c in members]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def grouped(checks: Iterable[Check]) -> Iterator[tuple[str, list[Check]]]:
    """The groups that have checks, in order."""
    every = list(checks)
    for group in GROUPS:
        if members := [check for check in every if check.group == group]:
            yield group, members


def totals(checks: Sequence[Check]) -> Iterator[tuple[str, Counter[str]]]:
    """Outcomes by group, and of all."""
    for group, members in grouped(checks):
        yield f"{group}. {GROUPS[group]}", Counter(check.kind for check in members)
    yield "All", Counter(check.kind for check in checks)
