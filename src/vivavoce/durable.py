"""File operations that survive a power failure: folders are synced like files."""

import os
from pathlib import Path

ROOT = 0


def make_folder(folder: Path) -> None:
    """Create a folder that only its owner can read, and its parents, if they are missing.

    Raises:
        OSError: the folder cannot be created, or a file has its name.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


def make_own_folder(folder: Path, user: int | None = None) -> None:
    """Create a folder within one of the server's own, or accept a link that the user controls.

    A link is followed only if the user or root owns it, and its target belongs to the user and is
    not writable by others: another user could plant a link to redirect writes, or to read them.

    Args:
        folder: the folder.
        user: id of the user; by default the user of this process.

    Raises:
        OSError: the folder cannot be created, or is a link that another user may control.
    """
    if folder.is_symlink():
        user = os.geteuid() if user is None else user
        link, target = folder.lstat(), folder.stat()
        if link.st_uid not in {user, ROOT} or target.st_uid != user or target.st_mode & 0o022:
            raise PermissionError(f"{folder} is a link that another user may have planted")
    make_folder(folder)


def new_file(path: Path) -> int:
    """Create an owner-only file and return its descriptor; an existing file is removed first.

    Raises:
        OSError: the file cannot be created.
    """
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that the names in it are durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(part: Path, path: Path) -> None:
    """Rename a synced file to its final name, durably."""
    part.replace(path)
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file, if it exists, durably."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
