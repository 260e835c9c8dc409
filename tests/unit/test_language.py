"""Texts for readers use plain English: no word of the dialect that the glossary has replaced."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vivavoce

SOURCE = Path(vivavoce.__file__).parent
ROOT = Path(__file__).parents[2]

BANNED = (
    "anew",
    "come back",
    "comes back",
    "for ever",
    "forsaken",
    "goes on",
    "hears",
    "hopeless",
    "in vain",
    "nobody",
    "seldom",
    "so many",
    "somebody",
    "the house",
    "told",
    "whoever",
)
_BANNED = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)
_CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`", re.DOTALL)


def banned(text: str) -> set[str]:
    """The banned phrases of a text, outside of code."""
    plain = " ".join(_CODE.sub(" ", text).split())
    return {match.lower() for match in _BANNED.findall(plain)}


def docstrings(tree: ast.AST) -> Iterator[str]:
    """Docstrings of modules, classes and functions, and those below constants."""
    bodies = (body for node in ast.walk(tree) if isinstance(body := getattr(node, "body", 0), list))
    for body in bodies:
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                value = statement.value.value
                if isinstance(value, str):
                    yield value


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_check_finds_a_phrase_across_lines_and_not_in_code() -> None:
    assert banned("It goes\non, and `nobody` ``told`` it.") == {"goes on"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_pages_use_the_words_of_the_glossary(page: Path) -> None:
    """Generated pages included: the CLI, settings, metrics, limits, HTTP and messages."""
    assert banned(page.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    "module", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix()
)
def test_docstrings_use_the_words_of_the_glossary(module: Path) -> None:
    texts = docstrings(ast.parse(module.read_text("utf-8")))
    assert [found for text in texts if (found := banned(text))] == []
