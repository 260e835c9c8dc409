"""Records what is done to a folder: through Python's ``os`` and, by a VFS, within SQLite."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath
from typing import Any
from unittest.mock import patch

from power import sqlite_vfs
from power.disk import (
    FOLDER,
    Disk,
    Link,
    Operation,
    Rename,
    Sync,
    SyncFolder,
    Truncate,
    Unlink,
    Write,
)

NOT_KEPT = "-shm"
"""SQLite's shared memory: worth nothing after a restart, and not recorded."""


class Recorder:
    """The operations on the files under a folder, as they come.

    Args:
        root: the folder.
        before: what it holds already.
    """

    def __init__(self, root: Path, before: Disk) -> None:
        self.operations: list[Operation] = []
        self._root = root
        self._names = dict(before.names)
        self._next = max(before.files, default=FOLDER) + 1
        self._handles: dict[int, PurePath] = {}

    @property
    def now(self) -> int:
        """How many operations there have been."""
        return len(self.operations)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Watch everything that this process does."""
        with ExitStack() as stack:
            for name in ("open", "fdopen", "fsync", "mkdir", "replace", "unlink"):
                watched = getattr(self, f"_{name}")(getattr(os, name))
                stack.enter_context(patch.object(os, name, watched))
            stack.enter_context(sqlite_vfs.watched_by(self))
            yield

    # -- what the VFS and the files tell ---------------------------------------------------------

    def relative(self, path: str | os.PathLike[str]) -> PurePath | None:
        """A path below the folder that counts; None for all others."""
        path = os.fspath(path)
        if not str(path).startswith(f"{self._root}{os.sep}") or str(path).endswith(NOT_KEPT):
            return None
        return PurePath(str(path)).relative_to(self._root)

    def opened(self, path: PurePath) -> int:
        """The number of a file, which may have been made by opening it."""
        if path not in self._names:
            self._made(path, self._next)
            self._next += 1
        return self._names[path]

    def wrote(self, file: int, offset: int, data: bytes) -> None:
        self.operations.append(Write(file, offset, data))

    def truncated(self, file: int, size: int) -> None:
        self.operations.append(Truncate(file, size))

    def synced(self, file: int) -> None:
        self.operations.append(Sync(file))

    def synced_folder(self, path: PurePath) -> None:
        self.operations.append(SyncFolder(path))

    def unlinked(self, path: PurePath) -> None:
        if self._names.pop(path, None) is not None:
            self.operations.append(Unlink(path))

    def _made(self, path: PurePath, file: int) -> None:
        self._names[path] = file
        self.operations.append(Link(path, file))

    # -- Python's own calls ----------------------------------------------------------------------

    def _open(self, real: Callable[..., int]) -> Callable[..., int]:
        def watched(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            handle = real(path, flags, *args, **kwargs)
            self._handles.pop(handle, None)
            place = self._place(path)
            if place is not None:
                self._handles[handle] = place
                if not flags & os.O_DIRECTORY:
                    self.opened(place)
            return handle

        return watched

    def _place(self, path: Any) -> PurePath | None:
        if isinstance(path, str | os.PathLike) and os.fspath(path) == str(self._root):
            return PurePath()
        return self.relative(path) if isinstance(path, str | os.PathLike) else None

    def _fdopen(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(handle: int, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if mode != "wb" or handle not in self._handles:
                return real(handle, mode, *args, **kwargs)
            file = self._names[self._handles[handle]]
            return io.BufferedWriter(_WatchedFile(handle, self, file))

        return watched

    def _fsync(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def watched(handle: int) -> None:
            place = self._handles.get(handle)
            if place is None:
                real(handle)
            elif place == PurePath() or self._names[place] == FOLDER:
                self.synced_folder(place)
            else:
                self.synced(self._names[place])

        return watched

    def _mkdir(self, real: Callable[..., None]) -> Callable[..., None]:
        def watched(path: Any, *args: Any, **kwargs: Any) -> None:
            real(path, *args, **kwargs)
            if (place := self.relative(path)) is not None:
                self._made(place, FOLDER)

        return watched

    def _replace(self, real: Callable[..., None]) -> Callable[..., None]:
        def watched(old: Any, new: Any, **kwargs: Any) -> None:
            real(old, new, **kwargs)
            was, now = self.relative(old), self.relative(new)
            if was is not None and now is not None:
                self._names[now] = self._names.pop(was)
                self.operations.append(Rename(was, now, self._names[now]))

        return watched

    def _unlink(self, real: Callable[..., None]) -> Callable[..., None]:
        def watched(path: Any, **kwargs: Any) -> None:
            real(path, **kwargs)
            if (place := self.relative(path)) is not None:
                self.unlinked(place)

        return watched


class _WatchedFile(io.FileIO):
    def __init__(self, handle: int, recorder: Recorder, file: int) -> None:
        super().__init__(handle, "wb")
        self._recorder = recorder
        self._file = file

    def write(self, data: Any) -> int:
        offset = self.tell()
        written = super().write(data)
        self._recorder.wrote(self._file, offset, bytes(data)[:written])
        return written
