"""The tables of what a server must not deliver to."""

import tomllib
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Trick(NamedTuple):
    """A URL, and why it is refused when it is given."""

    url: str
    refusal: str


def urls() -> list[Trick]:
    """Every URL that must be refused."""
    table = tomllib.loads((FOLDER / "hostile_urls.toml").read_text(encoding="utf-8"))
    return [Trick(url, trick["refusal"]) for trick in table["trick"] for url in trick["urls"]]


def answers() -> dict[str, list[str]]:
    """Answers of name servers that must be refused, by what they are."""
    table = tomllib.loads((FOLDER / "hostile_answers.toml").read_text(encoding="utf-8"))
    return {answer["title"]: answer["addresses"] for answer in table["answer"]}
