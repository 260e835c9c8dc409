"""The account of a run: which fault hit how many sessions, what came of it, how to do it again."""

import json
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faults.seeds import Choice

KEPT = ("history-*.jsonl", "*.log")
"""Files of a failed test that tell its story."""


def _nobody_listens(_text: str) -> None:
    """Progress of a round that nobody watches."""


@dataclass(slots=True)
class Row:
    """What came of one kind of fault.

    Attributes:
        interrupted: sessions that were hit, each counted once.
        breaks: hits; a session may be hit more than once.
        failed: tests in which a promise was broken.
    """

    kind: str = ""
    sessions: int = 0
    interrupted: int = 0
    breaks: int = 0
    failed: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    say: Callable[[str], None] = field(default=_nobody_listens, repr=False)

    def progress(self, wanted: int) -> None:
        """Say how far this kind is."""
        self.say(f"{self.kind}: {self.interrupted} of {wanted} interrupted")

    def plain(self) -> dict[str, Any]:
        """The counts as JSON has them."""
        counts = {name: getattr(self, name) for name in COLUMNS}
        return {"kind": self.kind, **counts, "seconds": round(self.seconds, 1), "notes": self.notes}


COLUMNS = ("sessions", "interrupted", "breaks", "failed")


class Ledger:
    """Counts what was interrupted by which kind of fault, for the table at the end."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = defaultdict(Row)
        self.failures: list[Failure] = []
        self.say: Callable[[str], None] = _nobody_listens

    @contextmanager
    def fault(self, kind: str) -> Iterator[Row]:
        """Count under a kind; the time in the block is added."""
        row = self.rows[kind]
        row.kind, row.say = kind, self.say
        begun = time.monotonic()
        try:
            yield row
        except Exception:
            row.failed += 1
            raise
        finally:
            row.seconds += time.monotonic() - begun

    @property
    def total(self) -> Row:
        """All rows in one."""
        total = Row("all")
        for row in self.rows.values():
            for name in (*COLUMNS, "seconds"):
                setattr(total, name, getattr(total, name) + getattr(row, name))
        return total

    def table(self) -> Iterator[str]:
        """The rows and their sum, a line each."""
        width = max(map(len, self.rows), default=0)
        titles = " ".join(f"{name:>11}" for name in (*COLUMNS, "seconds"))
        yield f"{'fault':<{width}} {titles}"
        for row in (*self.rows.values(), self.total):
            counts = " ".join(f"{getattr(row, name):>11}" for name in COLUMNS)
            yield f"{row.kind:<{width}} {counts} {row.seconds:>11.1f}  {'; '.join(row.notes)}"

    def write(self, path: Path, seed: int, count: int, seconds: float) -> None:
        """Keep the account for programs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        account = {
            "seed": seed,
            "count": count,
            "seconds": round(seconds, 1),
            "total": self.total.plain(),
            "faults": [row.plain() for row in self.rows.values()],
            "failures": [asdict(failure) for failure in self.failures],
        }
        path.write_text(json.dumps(account, indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that failed, and what was kept of it.

    Attributes:
        test: its id for pytest.
        seed: the seed that its choices came from.
        folder: where histories and server logs were put.
        again: the command that makes the same choices again.
    """

    test: str
    seed: int
    count: int
    folder: str
    again: str

    @classmethod
    def keep(cls, test: str, choice: Choice, place: Path, evidence: Sequence[Path]) -> "Failure":
        """Put the evidence of a failure into a folder under ``place``."""
        if str(choice) in test:
            # A known choice is part of the test's id; the command names it for the whole test.
            test = test.split("[", 1)[0]
        folder = place / f"{choice}-{test.rsplit('::', 1)[-1].replace('/', '-')}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in evidence:
            shutil.copy(file, folder)
        again = f"make faults SEED={choice.seed} COUNT={choice.count} ONLY='{test}'"
        failure = cls(test, choice.seed, choice.count, str(folder), again)
        (folder / "failure.json").write_text(json.dumps(asdict(failure), indent=1) + "\n")
        return failure
