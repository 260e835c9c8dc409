"""The page and the charts of the benchmarks, from measurements that are known."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from performance.page import charts, page, read
from performance.plan import FULL, QUICK

from vivavoce.load.bare import Bare
from vivavoce.load.document import (
    Capacity,
    Document,
    Ingest,
    Latency,
    Long,
    Machine,
    Made,
    Overhead,
    encoded,
)
from vivavoce.load.endurance import Slice, drift
from vivavoce.load.figures import spread
from vivavoce.load.ingest import IngestRow
from vivavoce.load.machine import Spent
from vivavoce.load.overhead import OverheadRow
from vivavoce.load.scenarios import Row

MADE = Made(
    "2026-11-21T18:00:00.000Z",
    "1.0",
    Machine("A Processor", 2, 16.0, "Linux 6", "3.11.9"),
    {"endpointing": 0.05, "maximum": 5.0, "audio": "the sample", "language": "en"},
    {"a-model": "a-package 1.2"},
)
SPENT = Spent(30, 1.5, 0.5, 12.0, 300, 420)
FOUND = spread([0.1, 0.2, 0.3])


def row(streams: int) -> Row:
    return Row(
        streams=streams,
        audio_seconds=30.0 * streams,
        time_to_final=FOUND,
        first_text=FOUND,
        word_shown=FOUND,
        word_final=FOUND,
        stop_to_final=FOUND,
        acknowledged=FOUND,
        finals=5,
        words=40,
        taken_back_per_word=0.1,
        partials_per_second=2.0,
        driver_late=0.01,
        spent=SPENT,
    )


def part(number: int) -> Slice:
    return Slice(number * 600.0, (number + 1) * 600.0, 3, 20, FOUND, FOUND, 0.05, 400.0 + number)


def documents() -> dict[str, Document]:
    rows = [row(1), row(4)]
    over = OverheadRow(
        *(4, 120.0, 1.9, 12.0, 8.0, 6.0, 3.0, 2.0, 4.0, 20, 20, 2.0, 3, 0.2, 0.5), failures=()
    )
    parts = [part(number) for number in range(7)]
    return {
        "latency": Latency(MADE, rows),
        "capacity-partials-100": Capacity(MADE, rows, True, 100, 0.5, 4, 1.0, 6),
        "capacity-finals-50": Capacity(MADE, rows, False, 50, 0.5, 24, 1.0, 30),
        "overhead": Overhead(MADE, Bare(5, 6, 25.0, 1.5, 0.75, 0.2), [over]),
        "long": Long(MADE, 40.0, row(1), parts, drift(parts)),
        "ingest": Ingest(MADE, [IngestRow(100, 5.0, 5000, FOUND, 1000.0, 0.01, 1, (), SPENT)]),
    }


def test_the_page_tells_where_it_was_made_and_every_measurement_with_its_command() -> None:
    text = page(FULL, documents(), "abc123")
    assert "commit abc123" in text
    assert "2 cores of A Processor" in text
    assert "a-model (a-package 1.2)" in text
    for step in FULL:
        assert (f"`{step.told}`" in text) == (step.name in documents())
    assert "| finals only | 50 | 24 | 30 |" in text


def test_every_table_of_the_page_has_cells_for_its_head() -> None:
    text = page(FULL, documents(), "abc123")
    tables = [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]
    assert len(tables) == 7
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)


def test_measurements_come_back_from_their_files(tmp_path: Path) -> None:
    written = documents()
    for name, document in written.items():
        (tmp_path / f"{name}.json").write_bytes(encoded(document))
    assert read(tmp_path, FULL) == written


def test_every_kind_has_a_chart_without_scripts_and_without_the_network() -> None:
    drawn = charts(documents())
    assert set(drawn) == {"latency", "capacity", "overhead", "long", "ingest"}
    for text in drawn.values():
        tree = ET.fromstring(text)  # noqa: S314  our own text
        assert tree.tag.endswith("svg")
        tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
        assert {"path"} <= tags
        assert "script" not in tags
        assert "prefers-color-scheme: dark" in text
        addresses = set(re.findall(r"https?://[^\"' )]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@pytest.mark.parametrize("steps", [FULL, QUICK])
def test_each_measurement_has_a_file_of_its_own(steps: tuple[object, ...]) -> None:
    names = [getattr(step, "name", "") for step in steps]
    assert len(set(names)) == len(names)
