"""The suite itself: no check of the contract is missing, doubled or in the wrong group."""

import ast
import re
from collections import Counter
from pathlib import Path

from conformance.table import NUMBERS, Check, merged, page, rows, totals

FIRST_OF_GROUP = {"a": 1, "b": 27, "c": 36, "d": 56, "e": 65, "f": 82, "g": 89, "h": 100}
FIRST_OF_GROUP |= {"i": 116, "j": 125, "k": 132, "l": 139, "m": 147}


def checks() -> list[tuple[int, str, str | None]]:
    """Number, group and text of every check in this folder."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_[a-m]_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if match := re.match(r"test_(\d{3})_", node.name):
                found.append((int(match[1]), path.name[5], ast.get_docstring(node)))
    return found


def test_every_check_of_the_contract_is_there_exactly_once() -> None:
    assert sorted(number for number, _, _ in checks()) == list(NUMBERS)


def test_every_check_says_what_it_asserts_and_stands_in_its_group() -> None:
    for number, group, text in checks():
        assert text, number
        assert group == max(g for g, first in FIRST_OF_GROUP.items() if first <= number), number


def test_the_table_shows_each_outcome_with_its_reason_and_the_totals() -> None:
    found = [
        Check(1, "A", "It is made.", "pass"),
        Check(132, "K", "It is a|b.", "expected failure", "issue 8: Callbacks"),
        Check(133, "K", "It is told.", "FAIL"),
    ]
    assert dict(totals(found)) == {
        "A. Session creation": Counter({"pass": 1}),
        "K. Callbacks and webhooks": Counter({"expected failure": 1, "FAIL": 1}),
        "All": Counter({"pass": 1, "expected failure": 1, "FAIL": 1}),
    }
    assert "  132  expected failure (issue 8)  It is a|b." in list(rows(found))
    written = page(found)
    assert r"| 132 | It is a\|b. | expected failure (issue 8: Callbacks) |" in written
    assert "| All | 3 | 1 | 1 | 1 | 0 |" in written


def test_cases_of_one_check_are_one_row_with_the_worst_outcome() -> None:
    cases = [Check(153, "M", "It is read.", kind) for kind in ("pass", "FAIL", "skipped", "pass")]
    assert merged([Check(154, "M", "It goes on.", "pass"), *cases]) == [
        Check(153, "M", "It is read.", "FAIL"),
        Check(154, "M", "It goes on.", "pass"),
    ]
