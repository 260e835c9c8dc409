"""Random bytes for every parser and decoder: ``make fuzz ROUNDS=10000000 SEED=1``."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import starmap
from multiprocessing import get_context

from fuzz.kept import keep
from fuzz.targets import TARGETS, Failure, play

BATCH = 5000
SHOWN = 10
STRIDE = 1 << 40
"""Between the seeds of two runs, so that no round is played twice."""


def main() -> int:
    """Play the rounds of every target; 1 where one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000_000, help="in all")
    parser.add_argument("--seed", type=int, default=1, help="of the run")
    parser.add_argument("--only", choices=[target.name for target in TARGETS])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--keep", action="store_true", help="keep the seeds of failures")
    chosen = parser.parse_args()
    whole = sum(target.share for target in TARGETS if chosen.only in {None, target.name})
    failures: list[Failure] = []
    begun = time.monotonic()
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as processes:
        for target in TARGETS:
            if chosen.only not in {None, target.name}:
                continue
            first, rounds = chosen.seed * STRIDE, chosen.rounds * target.share // whole
            since = time.monotonic()
            batches = list(batched(range(first, first + rounds)))
            work = [processes.submit(play, target.name, batch) for batch in batches]
            found = [failure for future in work for failure in future.result()]
            seconds = time.monotonic() - since
            failures += found
            sys.stdout.write(
                f"{target.name:18} {rounds:>10,} rounds {rounds / seconds:>9,.0f}/s "
                f"{len(found):>6} failures\n"
            )
            sys.stdout.flush()
            shown = starmap("    seed {}: {}".format, ((f.seed, f.what[:600]) for f in found))
            sys.stdout.writelines(f"{line}\n" for line, _ in zip(shown, range(SHOWN), strict=False))
    seconds = time.monotonic() - begun
    sys.stdout.write(
        f"{chosen.rounds:,} rounds in {seconds:.0f} s, {chosen.rounds / seconds:,.0f}/s, "
        f"{len(failures)} failures\n"
    )
    if chosen.keep:
        keep([(failure.target, failure.seed) for failure in failures])
    return 1 if failures else 0


def batched(seeds: range) -> Iterator[range]:
    """The seeds in batches."""
    for at in range(0, len(seeds), BATCH):
        yield seeds[at : at + BATCH]


if __name__ == "__main__":
    sys.exit(main())
