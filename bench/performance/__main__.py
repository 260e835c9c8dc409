"""Measure everything and write ``docs/benchmarks.md``.

    PYTHONPATH=bench python -m performance [--quick] [--only NAME] [--page-only] [--docs DIR]

Each measurement is a separate command with a private server; if it fails, its previous file is
kept, and the exit code shows the failure.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from performance.page import FOLDER, charts, page, read
from performance.plan import FULL, QUICK, Step

ROOT = Path(__file__).parents[2]


def measure(step: Step, folder: Path, more: list[str]) -> bool:
    """Run one command; return whether it succeeded."""
    print(f"== {step.told}", flush=True)
    begun = time.monotonic()
    file = folder / f"{step.name}.json"
    program = [sys.executable, "-m", "vivavoce", "bench", *more, "--json", str(file)]
    done = subprocess.run([*program, *step.arguments], check=False)
    print(f"   {time.monotonic() - begun:.0f} s, exit code {done.returncode}", flush=True)
    return done.returncode == 0


def commit() -> str:
    """Return the measured commit, with a mark if files differ from it."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    found = subprocess.run(git, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def main() -> int:
    """Measure, then write the page and its charts."""
    parser = argparse.ArgumentParser(prog="performance", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="rough figures in a few minutes")
    parser.add_argument("--only", action="append", default=[], help="only this measurement")
    parser.add_argument("--page-only", action="store_true", help="only write the page anew")
    parser.add_argument("--audio", help="speech of your own")
    parser.add_argument("--language", default="en", help="its language")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the page goes")
    options = parser.parse_args()
    steps = QUICK if options.quick else FULL
    folder: Path = options.docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    more = ["--language", options.language, *(["--audio", options.audio] if options.audio else [])]
    measured = commit()
    wanted = [
        step
        for step in steps
        if not options.page_only and (not options.only or step.name in options.only)
    ]
    went_well = [measure(step, folder, more) for step in wanted]
    found = read(folder, steps)
    for name, drawn in charts(found).items():
        (folder / f"{name}.svg").write_text(drawn, "utf-8")
    (options.docs / "benchmarks.md").write_text(page(steps, found, measured), "utf-8")
    print(f"written to {options.docs / 'benchmarks.md'}")
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
