"""What was found, as it is kept in the repository: counts by recording, no texts."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from accuracy.scoring import Errors

FOLDER = Path(__file__).parent / "results"


class Score(msgspec.Struct, frozen=True, array_like=True):
    """One recording heard in one way: errors, finals, and the CPU milliseconds for them.

    ``cuts`` are the counts of ``accuracy.reading``, where the text says how it is to be read.
    """

    substitutions: int
    deletions: int
    insertions: int
    utterances: int
    cpu_ms: int
    cuts: tuple[int, ...] = ()

    def errors(self, words: int) -> Errors:
        """The errors among so many words."""
        return Errors(words, self.substitutions, self.deletions, self.insertions)


class Row(msgspec.Struct, frozen=True):
    """A recording: ``seconds`` of all its channels, the words of its text, a score by setting."""

    id: str
    group: str
    seconds: float
    words: int
    scores: dict[str, Score]

    def errors(self, setting: str) -> Errors:
        """The errors of one way of hearing it."""
        return self.scores[setting].errors(self.words)


class Head(msgspec.Struct, frozen=True):
    """The first line of a file.

    Attributes:
        model: name of the model.
        fingerprint: what its answers depended on (``accuracy.cache``).
        settings: in their order.
        one_of: every so many recordings were heard.
    """

    model: str
    language: str
    fingerprint: str
    settings: tuple[str, ...]
    one_of: int = 1


class Results(msgspec.Struct, frozen=True):
    """A file."""

    head: Head
    rows: tuple[Row, ...]

    def group(self, name: str | None) -> list[Row]:
        """The rows of one group; of all of them with a text where none is named."""
        return [row for row in self.rows if row.group == name or (name is None and row.words)]

    @property
    def groups(self) -> list[str]:
        """Groups with a text, in the manifest's order."""
        return list(dict.fromkeys(row.group for row in self.rows if row.words))


def results_file(folder: Path, model: str, language: str) -> Path:
    """Where the results of a model are kept."""
    return folder / f"{model}-{language}.jsonl"


def write(path: Path, results: Results) -> None:
    """A line for the head and one for each recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines: Iterable[Head | Row] = (results.head, *results.rows)
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def read(path: Path) -> Results | None:
    """The results in a file, if there is one."""
    if not path.is_file():
        return None
    head, *rows = path.read_bytes().splitlines()
    return Results(
        msgspec.json.decode(head, type=Head),
        tuple(msgspec.json.decode(row, type=Row) for row in rows),
    )


def common(one: Results, other: Results, setting: str) -> list[tuple[Row, Row]]:
    """The recordings that both have heard in a way."""
    theirs = {row.id: row for row in other.rows if setting in row.scores}
    return [
        (row, theirs[row.id])
        for row in one.rows
        if row.id in theirs and setting in row.scores and row.words == theirs[row.id].words
    ]


def cpu(rows: Sequence[Row], setting: str) -> float:
    """CPU seconds of the engine per second of audio."""
    seconds = sum(row.seconds for row in rows)
    return sum(row.scores[setting].cpu_ms for row in rows) / 1000 / seconds if seconds else 0.0
