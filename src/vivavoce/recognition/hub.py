"""Fetch single files of a Hugging Face repository at one commit, through the hub's own library."""

from importlib import import_module
from pathlib import Path
from typing import Protocol

from vivavoce.recognition.catalogue import HubSource
from vivavoce.recognition.model_errors import SourceUnavailableError


class Hub(Protocol):
    """Brings a file of a repository into a folder."""

    def fetch(self, source: HubSource, path: str, folder: Path) -> Path:
        """Store ``path`` of the repository under ``folder`` and return where.

        Raises:
            SourceUnavailableError: it cannot be had.
        """
        ...


class HuggingFaceHub:
    """Downloads with ``huggingface_hub``: its endpoint, token, proxies and resuming are used."""

    def fetch(self, source: HubSource, path: str, folder: Path) -> Path:
        """See :class:`Hub`."""
        try:
            hub = import_module("huggingface_hub")
        except ModuleNotFoundError as error:
            raise SourceUnavailableError(
                f"{source}: needs huggingface_hub: pip install 'vivavoce[hub]'"
            ) from error
        place = folder / source.revision
        try:
            fetched = hub.hf_hub_download(
                source.repository, path, revision=source.revision, local_dir=place
            )
        except OSError:
            raise
        except Exception as error:
            raise SourceUnavailableError(f"{source}: {path} could not be had: {error}") from error
        return Path(fetched)
