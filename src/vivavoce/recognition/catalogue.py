"""The models the house knows: sources, hashes, licences. Read from ``catalogue.toml``."""

from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Any, Literal

import msgspec

from vivavoce.recognition.model_errors import CatalogueError, UnknownModelError

Task = Literal["transcribe", "voice-activity", "sample"]

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""One plain name: it can never lead out of the model's folder."""

_PACKAGE = "vivavoce.recognition"


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel of a public package, for one fixed platform whatever the host is.

    Attributes:
        name: name of the package.
        version: the one version that holds these bytes.
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
    """Wheels that hold the files; indexes limit the size of a wheel, so a file may be in parts.

    Attributes:
        wheels: all that are needed.
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
        revision: the commit, in full: a branch or a tag could be moved.
        members: file name in the store → path in the repository.
    """

    repository: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
    revision: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
    members: dict[FileName, str]

    def __str__(self) -> str:
        return f"hub:{self.repository}@{self.revision[:8]}"


Source = PackageSource | HubSource


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that must arrive exactly like this."""

    name: FileName
    size: Annotated[int, msgspec.Meta(gt=0)]
    sha256: Sha256


class DerivedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is made from the others when the model is pulled.

    Attributes:
        name: name in the store.
        maker: which maker of ``recognition.derivation`` makes and checks it.
        tools: versions of the packages that gave ``sha256``; other versions may give other bytes.
        sha256: of the file made with those versions.
    """

    name: FileName
    maker: str
    tools: dict[str, str]
    sha256: Sha256


class Measurement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How well a model did on recordings, measured by this project.

    Attributes:
        corpus: which recordings, and how they were cut.
        error_percent: word error rate; character error rate for Japanese and Korean.
        cpu: CPU seconds per second of audio, one thread.
    """

    corpus: str
    languages: tuple[str, ...]
    error_percent: float
    cpu: float


class Licence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms of a model: SPDX id and the name of its text among the package's ``licences``."""

    spdx: str
    text: FileName

    def read(self) -> str:
        """Return the licence text."""
        return resources.files(_PACKAGE).joinpath("licences", self.text).read_text("utf-8")


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the catalogue.

    Attributes:
        id: name of the model and of its folder.
        default: whether a server starts with it, so that a bare ``pull`` fetches it. Of several
            that know a language, the first in the catalogue speaks it.
        engine: name of the engine that loads it; absent when there is nothing to load.
        licence: always there in the catalogue; unknown for a model of the user's.
        options: what the engine must know besides the files.
        memory_mb: resident memory of a process that has loaded it, roughly.
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
        """Bytes of the files that are fetched."""
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
            UnknownModelError: there is none; the message lists those there are.
        """
        for model in self.models:
            if model.id == model_id:
                return model
        known = ", ".join(model.id for model in self.models)
        raise UnknownModelError(f"no model is called {model_id!r}; known: {known}")

    def defaults(self) -> tuple[Model, ...]:
        """Return the models a server starts with."""
        return tuple(model for model in self.models if model.default)


def parse_catalogue(text: str) -> Catalogue:
    """Read a catalogue from TOML.

    Raises:
        CatalogueError: it is no TOML, or an entry is wrong; the message says which field.
    """
    try:
        return msgspec.toml.decode(text, type=Catalogue)
    except msgspec.MsgspecError as error:
        raise CatalogueError(f"the model catalogue is wrong: {error}") from error


def load_catalogue() -> Catalogue:
    """Read the catalogue that ships with the package."""
    return parse_catalogue(resources.files(_PACKAGE).joinpath("catalogue.toml").read_text("utf-8"))


def _check_entry(model: Model) -> None:
    """Terms are known, file names unique in the folder, and every source offers every file."""
    if model.licence is None:
        raise ValueError(f"{model.id}: no licence")
    names = [file.name for file in model.files]
    every = [*names, *(file.name for file in model.derived)]
    if len(set(every)) != len(every):
        raise ValueError(f"{model.id}: two files have the same name")
    for source in model.sources:
        if missing := set(names) - set(source.members):
            raise ValueError(f"{model.id}: {source} offers no {', '.join(sorted(missing))}")
