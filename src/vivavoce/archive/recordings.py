"""Recordings in a local folder: one file per session, complete or absent."""

import asyncio
import errno
import os
import stat
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from vivavoce.archive.port import NotFoundError, Recording, UnavailableError
from vivavoce.durable import make_own_folder, publish, remove

BLOCK_BYTES = 256 * 1024
_UNFINISHED = ".part"


class LocalRecordings:
    """The recordings port on a folder that only its owner can read.

    A recording is written to a temporary file in the folder, synced and renamed; files that a
    crash left unfinished are removed at the next start.
    """

    def __init__(self, folder: Path) -> None:
        """Use a folder, creating it if it is missing.

        Raises:
            OSError: the folder cannot be created, or is a link that another user may have planted.
        """
        make_own_folder(folder)
        self._folder = folder
        for leftover in folder.glob(f"*{_UNFINISHED}"):
            leftover.unlink()

    async def write(self, session_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a recording atomically; returns its size in bytes.

        Raises:
            ValueError: the id is no UUID.
            UnavailableError: the disk is full or fails; no partial file is left.
        """
        path = self._path(session_id)
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_UNFINISHED}")
        try:
            await asyncio.to_thread(make_own_folder, self._folder)  # it may have been deleted
            size = await _write(part, chunks)
            await asyncio.to_thread(publish, part, path)
        except OSError as error:
            raise UnavailableError(f"the recording cannot be stored: {error}") from error
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return size

    async def find(self, session_id: str) -> Recording:
        """Return the size and path of the stored recording.

        Raises:
            NotFoundError: there is none.
            ValueError: the id is no UUID.
        """
        path = self._path(session_id)
        try:
            status = await asyncio.to_thread(path.lstat)
        except FileNotFoundError as error:
            raise NotFoundError(session_id) from error
        if not stat.S_ISREG(status.st_mode):  # possibly a planted link
            raise NotFoundError(session_id)
        return Recording(status.st_size, path)

    async def read(self, session_id: str, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the recording's bytes from ``start``, in blocks.

        Raises:
            NotFoundError: there is none.
            ValueError: the id is no UUID.
        """
        path = self._path(session_id)
        try:
            file = await asyncio.to_thread(open, path, "rb", opener=_no_link)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ELOOP}:
                raise NotFoundError(session_id) from error
            raise
        with file:
            await asyncio.to_thread(file.seek, start)
            while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
                yield block

    async def delete(self, session_id: str) -> None:
        """Remove the recording. Idempotent."""
        await asyncio.to_thread(remove, self._path(session_id))

    def _path(self, session_id: str) -> Path:
        if str(uuid.UUID(session_id)) != session_id:
            raise ValueError(f"{session_id!r} is no UUID in its usual form")
        return self._folder / f"{session_id}.wav"


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


async def _write(path: Path, chunks: AsyncIterator[bytes]) -> int:
    """Write and sync a new file; returns its size in bytes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = await asyncio.to_thread(os.open, path, flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(file.flush)
        await asyncio.to_thread(os.fsync, file.fileno())
        return file.tell()
