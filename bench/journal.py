"""Measures the journal's acknowledgements: sessions append 100 ms of audio ten times a second.

    python bench/journal.py --sessions 10 100 500 --seconds 5 --json journal.json

Prints one line per number of sessions: the delay from append to acknowledgement and the CPU share
of the whole process (including feeding and tailing). ``--drop`` deletes a long session meanwhile.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vivavoce.journal.port import NewSession
from vivavoce.journal.sqlite import SqliteJournal

CHUNK_BYTES = 3200  # 100 ms at 16 kHz, 16 bits
PERIOD = 0.1
OLD_BYTES = 345_600_000  # three hours


@dataclass(frozen=True)
class Row:
    """Figures of one run."""

    sessions: int
    appends: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_share: float
    tailed_bytes: int


async def feed(journal: SqliteJournal, name: str, offset: float, until: float) -> list[float]:
    """Append one chunk per period; return the delays of the acknowledgements."""
    delays = []
    due = time.perf_counter() + offset
    while due < until:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        begun = time.perf_counter()
        await journal.append_audio(name, os.urandom(CHUNK_BYTES))
        delays.append(time.perf_counter() - begun)
        due += PERIOD
    await journal.seal(name)
    return delays


async def follow(journal: SqliteJournal, name: str) -> int:
    """Read a session to its end as a live session would; return the number of bytes."""
    return sum([len(item) async for item in journal.tail_audio(name, 0) if isinstance(item, bytes)])


async def prepare_old(journal: SqliteJournal) -> None:
    """Store a three-hour session to be dropped."""
    await journal.create(NewSession("old", b"old", b"{}", 0.0, "bench"))
    for _ in range(OLD_BYTES // (CHUNK_BYTES * 100)):
        await asyncio.gather(
            *(journal.append_audio("old", os.urandom(CHUNK_BYTES)) for _ in range(100))
        )
    print(f"a session of {OLD_BYTES / 1e6:.0f} MB is being dropped meanwhile")


async def measure(sessions: int, seconds: float, *, drop: bool) -> Row:
    """Run all sessions in their own journal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        journal = await SqliteJournal.open(path)
        names = [f"s{n}" for n in range(sessions)]
        for name in names:
            await journal.create(NewSession(name, name.encode(), b"{}", 0.0, "bench"))
        if drop:
            await prepare_old(journal)
        tails = [asyncio.create_task(follow(journal, name)) for name in names]
        cpu, begun = time.process_time(), time.perf_counter()
        if drop:
            await journal.drop("old")
        until = begun + seconds
        delays = await asyncio.gather(
            *(feed(journal, name, PERIOD * n / sessions, until) for n, name in enumerate(names))
        )
        tailed = sum(await asyncio.gather(*tails))
        share = (time.process_time() - cpu) / (time.perf_counter() - begun)
        await journal.close()
    return summary(sessions, [1000 * delay for some in delays for delay in some], share, tailed)


def summary(sessions: int, delays: Sequence[float], share: float, tailed: int) -> Row:
    """Summarise the run; delays in milliseconds."""
    cuts = statistics.quantiles(delays, n=100)
    return Row(sessions, len(delays), cuts[49], cuts[98], max(delays), share, tailed)


def main() -> None:
    """Measure each number of sessions in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[10, 100, 500])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--drop", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(f"{'sessions':>8} {'appends':>8} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'cpu':>6}")
    for sessions in options.sessions:
        row = asyncio.run(measure(sessions, options.seconds, drop=options.drop))
        rows.append(asdict(row))
        print(
            f"{row.sessions:8} {row.appends:8} {row.p50_ms:8.1f} {row.p99_ms:8.1f}"
            f" {row.max_ms:8.1f} {row.cpu_share:6.2f}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
