"""Writes the pages of `docs/reference` that the code can tell, or checks that it is up to date.

Usage: python tools/reference.py [--check]
"""

import sys
from pathlib import Path

from pages import MADE, pages

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def main(arguments: list[str]) -> int:
    """The exit code."""
    made = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    # Some pages are written by hand; a made one that the code has no use for is stale.
    found = {name: text for name, text in there.items() if name in made or text.startswith(MADE)}
    stale = sorted(name for name in made | found if made.get(name) != found.get(name))
    if arguments == ["--check"]:
        if stale:
            sys.stderr.write(f"docs/reference is stale, run make docs: {', '.join(stale)}\n")
        return int(bool(stale))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
