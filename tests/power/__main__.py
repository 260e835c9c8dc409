"""Many stories with power cuts, and a table of them: ``make power-cuts SEEDS=5000``."""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from power import sqlite_vfs
from power.cuts import KEPT, Story, kept, tell
from power.verdict import Tally

BATCH = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5000, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the first of their seeds")
    chosen = parser.parse_args()
    if reason := sqlite_vfs.missing():
        sys.stderr.write(f"{reason}\n")
        return 2
    console = Console()
    began = time.monotonic()
    stories = play(range(chosen.first, chosen.first + chosen.seeds), console)
    console.print(table(stories, time.monotonic() - began))
    failed = [story for story in stories if story.failure]
    for story in failed:
        console.print(f"seed {story.seed}: {story.failure}", markup=False)
    keep({story.seed for story in failed})
    return 1 if failed else 0


def play(seeds: range, console: Console) -> list[Story]:
    """Tell the stories of all seeds, on every core."""
    context = get_context("spawn")
    with (
        ProcessPoolExecutor(os.cpu_count(), mp_context=context) as processes,
        Progress(console=console, transient=True) as progress,
    ):
        stories = processes.map(tell, seeds, chunksize=BATCH)
        return list(progress.track(stories, total=len(seeds), description="cutting the power"))


def keep(seeds: set[int]) -> None:
    """Have the tests tell these stories from now on."""
    if new := seeds - set(kept()):
        with KEPT.open("a") as file:
            file.writelines(f"{seed}\n" for seed in sorted(new))


def table(stories: list[Story], seconds: float) -> Table:
    """What was cut where, and what came of it."""
    cuts: Counter[str] = Counter()
    tally = Tally()
    for story in stories:
        cuts += story.cuts
        tally += story.tally
    made = Table("power cut before", "cuts", title="Power cuts", title_justify="left")
    made.columns[1].justify = "right"
    for kind, count in sorted(cuts.items(), key=lambda pair: -pair[1]):
        made.add_row(kind, f"{count:,}")
    made.add_section()
    for label, value in {
        "power cuts": cuts.total(),
        "seeds": len(stories),
        "seeds that failed": sum(story.failure is not None for story in stories),
        "acknowledged bytes checked": tally.acknowledged,
        "acknowledged bytes lost": tally.lost,
        "bytes doubled or out of place": tally.doubled,
    }.items():
        made.add_row(label, f"{value:,}")
    made.add_row("wall time", f"{seconds:.0f} s")
    return made


if __name__ == "__main__":
    sys.exit(main())
