"""One server per data folder: a lock that ends with its process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from vivavoce.durable import make_folder


class FolderInUseError(Exception):
    """Another process uses this data folder."""


class FolderLock:
    """Holds a data folder for this process until released.

    The kernel releases the lock when the process ends for any reason, so nothing has to be
    cleaned up after a crash. The file carries the holder's process id for the error message only.
    """

    def __init__(self, folder: Path) -> None:
        """Lock the folder, creating it (mode 0700) if it is missing.

        Raises:
            FolderInUseError: another process, or another lock in this one, holds the folder.
            OSError: the folder cannot be created or written, or the lock file is a link.
        """
        make_folder(folder)
        path = folder / "lock"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._take(path)
        except BaseException:
            os.close(self._file)
            raise

    def _take(self, path: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            who = f"process {holder}" if holder else "another process"
            raise FolderInUseError(f"{path.parent} is in use by {who}") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Release the folder. Idempotent; the file is kept, since removing it would race."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
