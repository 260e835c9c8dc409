"""Writes `docs/reference` from the code, or checks that it is up to date.

Usage: python tools/reference.py [--check]
"""

import sys
from pathlib import Path

from pages import pages

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
BY_HAND = frozenset({"compatibility.md"})


def stale() -> list[str]:
    """Pages that are not there or not as the code has it."""
    found = {
        path.name: path.read_text(encoding="utf-8")
        for path in FOLDER.glob("*.md")
        if path.name not in BY_HAND
    }
    made = pages()
    return sorted(name for name in made | found if made.get(name) != found.get(name))


def write() -> None:
    """Renew every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The exit code."""
    if arguments == ["--check"]:
        if names := stale():
            sys.stderr.write(f"docs/reference is stale, run make docs: {', '.join(names)}\n")
        return int(bool(names))
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
