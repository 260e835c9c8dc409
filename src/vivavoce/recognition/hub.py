"""Files of Hugging Face repositories at one commit, fetched with the hub's own library."""

import errno
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import msgspec

from vivavoce.recognition.catalogue import HubSource
from vivavoce.recognition.model_errors import SourceUnavailableError, StorageError
from vivavoce.recognition.progress import Bytes

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


class HubFile(msgspec.Struct, frozen=True):
    """A file as the hub describes it: a SHA-256 for large files, the git blob id for all.

    The commit fixes both, so a file that matches them is the file of that commit.
    """

    path: str
    size: int
    sha256: str | None
    blob_id: str


class Hub(Protocol):
    """Lists and fetches files of a repository."""

    def files(self, repository: str, revision: str) -> list[HubFile]:
        """List the files of a commit.

        Raises:
            SourceUnavailableError: the hub cannot be reached, or has no such commit.
        """
        ...

    def fetch(self, source: HubSource, path: str, folder: Path, progress: Bytes) -> Path:
        """Store ``path`` of the repository under ``folder`` and return its path there.

        Raises:
            SourceUnavailableError: the file could not be fetched.
            StorageError: the disk is full or not writable.
        """
        ...


class HuggingFaceHub:
    """Uses ``huggingface_hub``, with the user's token, proxy and mirror.

    Args:
        endpoint: address of a mirror; by default the library's own.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def files(self, repository: str, revision: str) -> list[HubFile]:
        """See :class:`Hub`."""
        what = f"hub:{repository}@{revision[:8]}"
        api = _library(what).HfApi(endpoint=self._endpoint)
        try:
            told = api.model_info(repository, revision=revision, files_metadata=True)
        except Exception as error:  # the library raises its own, httpx's and ValueError
            raise SourceUnavailableError(f"{what}: {_first_line(error)}") from error
        return [
            HubFile(file.rfilename, file.size, file.lfs and file.lfs.sha256, file.blob_id)
            for file in told.siblings
        ]

    def fetch(self, source: HubSource, path: str, folder: Path, progress: Bytes) -> Path:
        """See :class:`Hub`; an interrupted download resumes where it stopped."""
        hub = _library(str(source))
        try:
            fetched = hub.hf_hub_download(
                *(source.repository, path),
                revision=source.revision,
                local_dir=folder / source.revision,
                endpoint=self._endpoint,
                tqdm_class=_progress_class(progress),
            )
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
                raise StorageError(f"{source}: {path}: {error.strerror}") from error
            raise SourceUnavailableError(f"{source}: {path}: {_first_line(error)}") from error
        return Path(fetched)


def _library(what: str) -> Any:
    try:
        hub = import_module("huggingface_hub")
    except ModuleNotFoundError as error:
        raise SourceUnavailableError(
            f"{what}: needs huggingface_hub: pip install 'vivavoce[hub]'"
        ) from error
    hub.logging.set_verbosity_error()  # failures are reported here, once
    return hub


def _progress_class(progress: Bytes) -> type:
    """Return a tqdm class for the library that draws nothing and calls ``progress``."""
    bar: Any = import_module("tqdm").tqdm

    class Told(bar):  # type: ignore[misc] # the library's types are not known here
        def __init__(self, *args: Any, **options: Any) -> None:
            options["disable"] = True
            super().__init__(*args, **options)
            self.total, self.n = options.get("total"), options.get("initial", 0)

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            progress(int(self.n), int(self.total or self.n))

    return Told


def _first_line(error: Exception) -> str:
    text = str(error).strip().split("\n", 1)[0]
    return text or type(error).__name__
