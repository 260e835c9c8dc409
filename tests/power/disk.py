"""A disk as a power cut sees it: what was synced stays, of the rest any part.

What is done to files and folders is recorded as operations in one order. ``after_cut`` gives a
state in which the disk may be found if the power fails behind the last of them: operations that
no sync covers are kept or lost one by one, in whole or by sectors, in any order between files;
sectors may hold noise, sizes may lag behind or run ahead.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

SECTOR = 512
FOLDER = 0
"""Stands for a folder where other names have the number of a file."""


@dataclass(frozen=True, slots=True)
class Write:
    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    file: int


@dataclass(frozen=True, slots=True)
class Link:
    """A name for a file or folder that was just made."""

    path: PurePath
    file: int


@dataclass(frozen=True, slots=True)
class Unlink:
    path: PurePath


@dataclass(frozen=True, slots=True)
class Rename:
    old: PurePath
    path: PurePath
    file: int


@dataclass(frozen=True, slots=True)
class SyncFolder:
    path: PurePath


Change = Write | Truncate
Naming = Link | Unlink | Rename
Operation = Change | Sync | Naming | SyncFolder


@dataclass(slots=True)
class Disk:
    """Files by number, and names (relative to one folder) for them."""

    files: dict[int, bytearray] = field(default_factory=lambda: defaultdict(bytearray))
    names: dict[PurePath, int] = field(default_factory=dict)

    def copy(self) -> "Disk":
        files = defaultdict(bytearray, {n: bytearray(data) for n, data in self.files.items()})
        return Disk(files, dict(self.names))

    def write_out(self, root: Path) -> None:
        """Put everything that has a name into a real folder."""
        for path, file in sorted(self.names.items()):
            if file == FOLDER:
                (root / path).mkdir()
            else:
                (root / path).write_bytes(self.files[file])


def after_cut(before: Disk, operations: Iterable[Operation], dice: random.Random) -> Disk:
    """The disk ``before``, as a cut behind these operations may leave it."""
    disk = before.copy()
    changes: dict[int, list[Change]] = defaultdict(list)
    namings: list[Naming] = []
    for operation in operations:
        match operation:
            case Write() | Truncate():
                changes[operation.file].append(operation)
            case Sync():
                for change in changes.pop(operation.file, ()):
                    _change(disk.files[operation.file], change)
            case SyncFolder():
                synced = [n for n in namings if n.path.parent == operation.path]
                namings = [n for n in namings if n.path.parent != operation.path]
                for naming in synced:
                    _name(disk, naming)
            case _:
                namings.append(operation)
    _keep_some_names(disk, namings, dice)
    for file, pending in sorted(changes.items()):
        _keep_some(disk.files[file], pending, dice)
    return disk


def _change(data: bytearray, change: Change) -> None:
    if isinstance(change, Truncate):
        _resize(data, change.size)
        return
    if change.offset > len(data):
        _resize(data, change.offset)
    data[change.offset : change.offset + len(change.data)] = change.data


def _resize(data: bytearray, size: int) -> None:
    del data[size:]
    data.extend(bytes(size - len(data)))


def _name(disk: Disk, naming: Naming) -> None:
    match naming:
        case Unlink():
            disk.names.pop(naming.path, None)
        case Rename():
            disk.names.pop(naming.old, None)
            disk.names[naming.path] = naming.file
        case Link():
            disk.names[naming.path] = naming.file


def _keep_some_names(disk: Disk, namings: Sequence[Naming], dice: random.Random) -> None:
    for naming in _chosen(namings, dice):
        _name(disk, naming)
    for path in sorted(disk.names):
        if path.parent != PurePath() and path.parent not in disk.names:
            del disk.names[path]  # its folder is not there


def _chosen(pending: Sequence[Naming], dice: random.Random) -> Sequence[Naming]:
    """None, all, the first few, or any of them."""
    if dice.random() < 0.5:
        return pending[: dice.choice([0, len(pending), dice.randint(0, len(pending))])]
    return [naming for naming in pending if dice.random() < 0.5]


def _keep_some(data: bytearray, pending: Sequence[Change], dice: random.Random) -> None:
    sizes = [len(data)]
    for change in pending:
        grown = max(sizes[-1], change.offset + len(change.data)) if isinstance(change, Write) else 0
        sizes.append(change.size if isinstance(change, Truncate) else grown)
    dice.choice(_WAYS)(data, pending, dice)
    if dice.random() < 0.25:  # the size is kept elsewhere, and reached the disk on its own
        _resize(data, dice.choice(sizes))


def _keep_none(_: bytearray, __: Sequence[Change], ___: random.Random) -> None:
    """The cache was lost as a whole."""


def _keep_all(data: bytearray, pending: Sequence[Change], _: random.Random) -> None:
    for change in pending:
        _change(data, change)


def _keep_first(data: bytearray, pending: Sequence[Change], dice: random.Random) -> None:
    """In their order up to one that is torn."""
    kept = dice.randint(0, len(pending))
    _keep_all(data, pending[:kept], dice)
    for change in pending[kept : kept + 1]:
        _tear(data, change, dice)


def _keep_any(data: bytearray, pending: Sequence[Change], dice: random.Random) -> None:
    share = dice.random()
    _keep_all(data, [change for change in pending if dice.random() < share], dice)


def _keep_sectors(data: bytearray, pending: Sequence[Change], dice: random.Random) -> None:
    for change in pending:
        _tear(data, change, dice)


def _keep_noise(data: bytearray, pending: Sequence[Change], dice: random.Random) -> None:
    """Where it was being written there is noise, and behind the end as well."""
    for change in pending:
        if isinstance(change, Write) and dice.random() < 0.7:
            _change(data, Write(0, change.offset, dice.randbytes(len(change.data))))
    if any(isinstance(c, Write) and c.offset + len(c.data) >= len(data) for c in pending):
        data.extend(dice.randbytes(dice.randint(0, 3 * SECTOR)))


def _tear(data: bytearray, change: Change, dice: random.Random) -> None:
    """Sectors of one write: old, new, noise, or new up to some byte."""
    if isinstance(change, Truncate):
        if dice.random() < 0.5:
            _change(data, change)
        return
    start, end = change.offset, change.offset + len(change.data)
    while start < end:
        stop = min((start // SECTOR + 1) * SECTOR, end)
        piece = change.data[start - change.offset : stop - change.offset]
        fate = dice.random()
        if fate < 0.45:
            _change(data, Write(0, start, piece))
        elif fate < 0.55:
            _change(data, Write(0, start, piece[: dice.randint(0, len(piece))]))
        elif fate < 0.6:
            _change(data, Write(0, start, dice.randbytes(len(piece))))
        start = stop


_WAYS: Sequence[Callable[[bytearray, Sequence[Change], random.Random], None]] = (
    _keep_none,
    _keep_all,
    _keep_first,
    _keep_any,
    _keep_sectors,
    _keep_noise,
)
