"""Writes `docs/reference` from the code, or checks that it is up to date.

Usage: python tools/reference.py [--check]
"""

import sys
from pathlib import Path

from pages import pages

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def main(arguments: list[str]) -> int:
    """The exit code."""
    made = pages()
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
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
