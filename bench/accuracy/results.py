"""Results as stored in the repository: counts by recording, without texts."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from accuracy.scoring import Errors

FOLDER = Path(__file__).parent / "results"


class Score(msgspec.Struct, frozen=True, array_like=True):
    """One recording in one setting: errors, finals, and the CPU milliseconds for them.

    ``cuts`` are the counts of ``accuracy.reading``, if the text has punctuation.
    """

    substitutions: int
    deletions: int
    insertions: int
    utterances: int
    cpu_ms: int
    cuts: tuple[int, ...] = ()

    def errors(self, words: int) -> Errors:
        """Return the errors among ``words`` words."""
        return Errors(words, self.substitutions, self.deletions, self.insertions)


class Row(msgspec.Struct, frozen=True):
    """A recording: ``seconds`` of all its channels, the words of its text, a score by setting."""

    id: str
    group: str
    seconds: float
    words: int
    scores: dict[str, Score]

    def errors(self, setting: str) -> Errors:
        """Return the errors in one setting."""
        return self.scores[setting].errors(self.words)


class Head(msgspec.Struct, frozen=True):
    """The first line of a file.

    Attributes:
        model: name of the model.
        fingerprint: hash of everything its answers depend on (``accuracy.cache``).
        settings: the settings, in order.
        one_of: N if one in N recordings was used.
    """

    model: str
    language: str
    fingerprint: str
    settings: tuple[str, ...]
    one_of: int = 1


class Results(msgspec.Struct, frozen=True):
    """The contents of a file."""

    head: Head
    rows: tuple[Row, ...]

    def group(self, name: str | None) -> list[Row]:
        """Return the rows of one group; by default, of all groups with a text."""
        return [row for row in self.rows if row.group == name or (name is None and row.words)]

    @property
    def groups(self) -> list[str]:
        """Return the groups with a text, in the manifest's order."""
        return list(dict.fromkeys(row.group for row in self.rows if row.words))


def results_file(folder: Path, model: str, language: str) -> Path:
    """Return the file for the results of a model."""
    return folder / f"{model}-{language}.jsonl"


def write(path: Path, results: Results) -> None:
    """Write a line for the head and one for each recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines: Iterable[Head | Row] = (results.head, *results.rows)
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def read(path: Path) -> Results | None:
    """Read the results in a file; return None if there is none."""
    if not path.is_file():
        return None
    head, *rows = path.read_bytes().splitlines()
    return Results(
        msgspec.json.decode(head, type=Head),
        tuple(msgspec.json.decode(row, type=Row) for row in rows),
    )


def common(one: Results, other: Results, setting: str) -> list[tuple[Row, Row]]:
    """Return the recordings that both have in a setting."""
    theirs = {row.id: row for row in other.rows if setting in row.scores}
    return [
        (row, theirs[row.id])
        for row in one.rows
        if row.id in theirs and setting in row.scores and row.words == theirs[row.id].words
    ]


def cpu(rows: Sequence[Row], setting: str) -> float:
    """Return the engine's CPU seconds per second of audio."""
    seconds = sum(row.seconds for row in rows)
    return sum(row.scores[setting].cpu_ms for row in rows) / 1000 / seconds if seconds else 0.0
