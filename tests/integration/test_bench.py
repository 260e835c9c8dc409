"""``vivavoce bench`` on a real server: seconds of speech, and sums that must come out."""

import math
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from integration.server_process import KEY, ServerProcess, clean_environment
from vivavoce.load.document import Capacity, Document, Ingest, Latency, Long, Overhead

Kind = TypeVar("Kind", bound=Document)

PATIENCE = 280
"""Seconds for a command: on a busy machine it may take long, but must come to its end."""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "vivavoce", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=clean_environment(),
    )


def measured(
    kind: type[Kind], server: ServerProcess, folder: Path, options: str, command: str
) -> tuple[Kind, str]:
    """The document of a command against a server that runs, and the table it printed."""
    file = folder / "figures.json"
    there = ("--url", server.url, "--api-key", KEY, "--pid", str(server.pid), "--json", file)
    done = run("bench", *there, *options.split(), *command.split())
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(file.read_bytes(), type=kind), done.stdout


def test_latency_tells_each_number_of_streams_and_what_it_cost(
    server: ServerProcess, tmp_path: Path
) -> None:
    found, table = measured(
        Latency, server, tmp_path, "--seconds 4", "latency --streams 1,2 --talk 50"
    )
    assert [row.streams for row in found.rows] == [1, 2]
    assert len([line for line in table.splitlines() if line.startswith("|")]) == 4
    for row in found.rows:
        assert row.failures == ()
        assert row.audio_seconds == pytest.approx(4.0 * row.streams)
        assert row.words >= 2 * row.streams
        assert row.word_final.n == row.words
        assert row.acknowledged.n <= 40 * row.streams
        assert row.spent is not None
        assert row.counted is not None
        assert row.spent.server_cpu is not None
        assert row.spent.server_cpu > row.counted.decode_cpu > 0
        assert row.spent.wall >= 4
    assert found.made.settings["server"] == server.url


def test_capacity_tells_the_largest_number_that_kept_the_limit(
    server: ServerProcess, tmp_path: Path
) -> None:
    found, table = measured(
        Capacity,
        server,
        tmp_path,
        "--seconds 3 --no-partials",
        "capacity --first 2 --most 2 --limit 60 --slip 60",
    )
    assert [row.streams for row in found.rows] == [1, 2]
    assert (found.partials, found.within, found.before_slipping) == (False, 2, 2)
    assert {row.partials_per_second for row in found.rows} == {0}
    assert "within 60 s: 2" in table


def test_overhead_compares_with_the_engine_on_the_very_same_finals(
    server: ServerProcess, tmp_path: Path
) -> None:
    found, _ = measured(Overhead, server, tmp_path, "--seconds 5", "overhead --streams 2")
    assert found.bare.finals >= 1
    assert found.bare.cpu > 0
    assert found.bare.cpu_without_context > 0
    for row in found.rows:
        assert row.finals == row.finals_expected == found.bare.finals * row.streams
        assert row.bare_cpu == pytest.approx(found.bare.cpu * row.streams, abs=0.01)
        assert row.ratio == pytest.approx(row.server_cpu / row.bare_cpu, abs=0.01)


def test_a_long_session_is_told_in_slices_that_add_up(
    server: ServerProcess, tmp_path: Path
) -> None:
    found, table = measured(
        Long, server, tmp_path, "--seconds 40", "long --speed 8 --talk 20 --minutes 0.2"
    )
    assert found.whole.failures == ()
    assert [part.end for part in found.slices] == [12, 24, 36, 40]
    assert sum(part.finals for part in found.slices) == found.whole.finals
    assert sum(part.words for part in found.slices) == found.whole.words > 0
    assert all(part.resident_mb for part in found.slices)
    assert "At 8 times real time." in table


def test_ingest_counts_every_chunk_of_every_session(server: ServerProcess, tmp_path: Path) -> None:
    found, _ = measured(
        Ingest, server, tmp_path, "--seconds 2", "ingest --streams 3,20 --drivers 2"
    )
    assert [row.sessions for row in found.rows] == [3, 20]
    for row in found.rows:
        assert row.failures == ()
        assert row.drivers == 2
        assert row.chunks == row.acknowledged.n == row.sessions * 20
        assert row.acks_per_second == pytest.approx(row.sessions * 10)
        assert row.acknowledged.p50 is not None
        assert 0 < row.acknowledged.p50 < math.inf
        assert row.spent.driver_cpu > 0


def test_a_server_that_is_not_there_is_told_in_one_line(models: Path) -> None:
    del models
    lost = run("bench", "--url", "http://127.0.0.1:1", "--seconds", "2", "ingest", "--streams", "1")
    assert lost.returncode == 1
    assert lost.stderr.splitlines()[-1].startswith("error: ")


def test_overhead_of_a_server_out_of_sight_is_refused(models: Path) -> None:
    del models
    refused = run("bench", "--url", "http://127.0.0.1:1", "overhead")
    assert refused.returncode == 2
    assert "--pid" in refused.stderr
