"""Names of files and folders that survive a power cut: a folder is synced like a file."""

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, and its parents, where they are missing.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder be on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(part: Path, path: Path) -> None:
    """Give a file whose content is synced its name, for good."""
    part.replace(path)
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file, if it is there, for good."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
