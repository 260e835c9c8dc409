"""Stories with power cuts: sessions at work, the power fails, and all goes on from what is left."""

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from unittest.mock import patch

from power.calls import Call, Desk, Plan, Promise
from power.disk import Disk, Link, Operation, Sync, SyncFolder, Truncate, Write, after_cut
from power.recorder import Recorder
from power.steps import SteppedWriter, Steps, stepped
from power.verdict import Judge, Tally, check_files
from vivavoce.archive import database
from vivavoce.archive.recordings import LocalRecordings
from vivavoce.archive.records import SqlRecords
from vivavoce.journal import store, sweeper, writer
from vivavoce.journal.schema import Connect
from vivavoce.journal.sqlite import SqliteJournal, Tuning

AT_ONCE = 4
MOST_CUTS = 3
SMALL = (
    (writer, "LOG_BYTES", 48 * 1024),
    (writer, "ERASE_SECONDS", 0.0),
    (store, "ROW_BYTES", 4096),
    (sweeper, "SLICE_ROWS", 3),
    (sweeper, "SLICE_BYTES", 8192),
    (sweeper, "SPARE_PAGES", 4),
    (sweeper, "SLICE_PAGES", 4),
)
"""Bounds of the journal, so low that short sessions merge, erase, sweep and shrink files."""


_configure = database._configure  # noqa: SLF001  what is patched goes on behind the patch


def _configure_small(connection: Any, record: Any) -> None:
    """The records' log, too, is merged within a few kilobytes."""
    _configure(connection, record)
    connection.execute("PRAGMA wal_autocheckpoint=8").close()


@dataclass(frozen=True, slots=True)
class House:
    """How the journal is opened; a test of the tests opens it in a wrong way."""

    connect: Connect | None = None
    writer: type[SteppedWriter] = SteppedWriter


@dataclass(slots=True)
class Story:
    """What one seed came to."""

    seed: int
    cuts: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    failure: str | None = None


def tell(seed: int, house: House | None = None) -> Story:
    """Play the story of a seed: the same one every time."""
    story = Story(seed)
    teller = _Teller(story, house or House())
    try:
        teller.play()
    except Exception as error:  # noqa: BLE001  a file that cannot even be opened is lost as well
        story.failure = _leaf(error)
    return story


def _leaf(error: Exception) -> str:
    """What went wrong first, in a group of what went wrong."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


class _Teller:
    def __init__(self, story: Story, house: House) -> None:
        self._story = story
        self._house = house
        self._dice = random.Random(story.seed)
        calls = self._dice.randint(1, AT_ONCE)
        self._plans = [Plan(f"{story.seed} {number}") for number in range(calls)]
        self._disk = Disk()
        self._promises: list[Promise] = []

    def play(self) -> None:
        cuts = 1
        while cuts < MOST_CUTS and self._dice.random() < 0.3:
            cuts += 1
        for number in range(cuts):
            self._live(check=number > 0)
            self._cut()
        self._live(check=True, end=True)

    def _live(self, *, check: bool, end: bool = False) -> None:
        """One life of the server, from the disk as it is."""
        with _folder() as root, ExitStack() as stack:
            self._disk.write_out(root)
            for path in self._disk.names:
                if path.suffix == ".db" and self._dice.random() < 0.3:
                    (root / f"{path}-shm").write_bytes(self._dice.randbytes(32_768))
            recorder = Recorder(root, self._disk)
            stack.enter_context(recorder.recording())
            stack.enter_context(stepped(self._house.writer))
            for module, name, value in SMALL:
                stack.enter_context(patch.object(module, name, value))
            stack.enter_context(patch.object(database, "_configure", _configure_small))
            loop = Steps(self._dice)
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                new = runner.run(self._serve(root / "data", recorder, check=check, end=end))
            self._operations: Sequence[Operation] = recorder.operations
            self._new = new
            if end:
                check_files(root / "data")

    async def _serve(
        self, folder: Path, recorder: Recorder, *, check: bool, end: bool
    ) -> list[Promise]:
        async with AsyncExitStack() as stack:
            journal = await SqliteJournal.open(
                folder / "journal.db", tuning=Tuning(gather=0), connect=self._house.connect
            )
            stack.push_async_callback(journal.close)
            records = await SqlRecords.open(f"sqlite:///{folder / 'records.db'}")
            stack.push_async_callback(records.close)
            recordings = LocalRecordings(folder / "recordings")
            desk = Desk(journal, records, recordings, lambda: recorder.now)
            judge = Judge(desk, self._promises, self._story.tally)
            if check:
                for plan in self._plans:
                    await judge.check(plan)
            desk.promises.extend(Promise(0, p.kind, p.call, p.value) for p in self._promises)
            async with asyncio.TaskGroup() as calls:
                for plan in self._plans:
                    calls.create_task(Call(plan, desk, random.Random(plan.seed)).run())
            if end:
                for plan in self._plans:
                    await judge.check_end(plan)
        return desk.promises

    def _cut(self) -> None:
        """The power fails before some operation, or behind the last."""
        at = self._dice.randint(0, len(self._operations))
        self._story.cuts[kind_of(self._disk, self._operations, at)] += 1
        self._disk = after_cut(self._disk, self._operations[:at], self._dice)
        self._promises = [promise for promise in self._new if promise.at <= at]


@contextmanager
def _folder() -> Iterator[Path]:
    shared = Path("/dev/shm")  # noqa: S108  memory is all that a simulated disk needs
    root = Path(tempfile.mkdtemp(prefix="power-", dir=shared if shared.is_dir() else None))
    try:
        yield root
    finally:
        shutil.rmtree(root)


def kind_of(before: Disk, operations: Sequence[Operation], at: int) -> str:
    """What was about to be done when the power failed."""
    if at == len(operations):
        return "the next start"
    names = {file: path for path, file in before.names.items()}
    names |= {made.file: made.path for made in operations if isinstance(made, Link)}
    match operations[at]:
        case Write(file=file) | Truncate(file=file):
            return f"a write to {_what(names[file])}"
        case Sync(file=file):
            return f"a sync of {_what(names[file])}"
        case SyncFolder():
            return "a sync of a folder"
        case naming:
            return f"a change of the name of {_what(naming.path)}"


def _what(path: PurePath) -> str:
    if path.parent.name == "recordings":
        return "a recording"
    return _WHAT.get(path.name, "something else")


_WHAT = {
    "journal.db": "the journal",
    "journal.db-wal": "the journal's log",
    "journal.db-journal": "the journal's first log",
    "records.db": "the records",
    "records.db-wal": "the records' log",
    "records.db-journal": "the records' first log",
    "data": "the data folder",
    "recordings": "the recordings' folder",
    "lock": "the lock",
}

KEPT = Path(__file__).with_name("kept_seeds.txt")


def kept() -> list[int]:
    """Seeds that failed once."""
    return [int(line) for line in KEPT.read_text().split()]
