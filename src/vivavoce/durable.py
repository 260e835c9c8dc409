"""Names of files and folders that survive a power cut: a folder is synced like a file."""

import os
from pathlib import Path

ROOT = 0


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, and its parents, where they are missing.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


def make_own_folder(folder: Path, user: int | None = None) -> None:
    """Make a folder within one of ours, or take one that is there if it is the user's own.

    A link is followed only if the user, or root, has made it, to a folder of the user that no
    other can write: another user may have planted it to be written elsewhere, or to be read.

    Args:
        folder: the folder.
        user: id of the user; by default the one that this process runs as.

    Raises:
        OSError: it cannot be made, or another user has a hand in it.
    """
    if folder.is_symlink():
        user = os.geteuid() if user is None else user
        link, target = folder.lstat(), folder.stat()
        if link.st_uid not in {user, ROOT} or target.st_uid != user or target.st_mode & 0o022:
            raise PermissionError(f"{folder} is a link that another user may have planted")
    make_folder(folder)


def new_file(path: Path) -> int:
    """A descriptor of a file of our own, made afresh; whatever had its name is removed.

    Raises:
        OSError: it cannot be made.
    """
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


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
