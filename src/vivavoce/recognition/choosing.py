"""Models that an operator names: from the catalogue, from the hub, or in a folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from vivavoce.protocol.languages import SPOKEN_CODES, resolve
from vivavoce.recognition.catalogue import Catalogue, Model
from vivavoce.recognition.foreign import foreign_id, parse_hub_name, read_entry
from vivavoce.recognition.loading import check_loadable, identifies_languages, languages_of
from vivavoce.recognition.model_errors import ModelChoiceError, ModelMissingError
from vivavoce.recognition.store import ModelStore

_FOR_LANGUAGE = re.compile(r"([A-Za-z][A-Za-z_-]{1,7})=(.+)")
_FEW = 8


@dataclass(frozen=True, slots=True)
class Chosen:
    """An installed model and its assigned languages.

    Attributes:
        folder: the model's folder.
        languages: codes of the languages that it serves.
        identifies: whether it supports language identification.
    """

    model: Model
    folder: Path
    languages: tuple[str, ...]
    identifies: bool


def choose(name: str, catalogue: Catalogue, store: ModelStore) -> Chosen:
    """Return the installed model that ``[LANGUAGE=]MODEL`` names.

    Args:
        name: ``MODEL`` is an id, ``hub:owner/name@commit``, or a folder: a path that contains a
            slash or backslash, or begins with a dot or tilde.
        catalogue: the models known by id.
        store: the models on disk.

    Raises:
        ModelError: the model is not installed, does not transcribe, does not support the language,
            or cannot be loaded by an engine of this installation.
    """
    found = _FOR_LANGUAGE.fullmatch(name)
    wanted, name = (found[1], found[2]) if found else ("", name)
    if _is_folder(name):
        folder = Path(name).expanduser().absolute()
        model = _own(folder, catalogue)
    else:
        model = find_model(name, catalogue, store)
        folder = store.path(model)
    chosen = described(model, folder)
    return _only(chosen, wanted) if wanted else chosen


def described(model: Model, folder: Path) -> Chosen:
    """Return an installed model with its languages.

    Raises:
        ModelError: the model does not transcribe, supports no language of the API, or cannot be
            loaded by an engine of this installation.
    """
    if model.task != "transcribe":
        raise ModelChoiceError(f"{model.id} does not transcribe, it is for {model.task}")
    check_loadable(model)
    spoken = languages_of(model, folder)
    languages = tuple(code for code in SPOKEN_CODES if code in spoken)
    if not languages:
        raise ModelChoiceError(f"{model.id} speaks no language that the API has a code for")
    return Chosen(model, folder, languages, identifies_languages(model, languages))


def find_model(name: str, catalogue: Catalogue, store: ModelStore) -> Model:
    """Find a model by name among those pulled from the hub, then in the catalogue.

    Raises:
        UnknownModelError: no model has that id.
        CatalogueError: the name begins with ``hub:`` but has no full commit.
        ModelMissingError: the hub model was not pulled.
    """
    source = parse_hub_name(name)
    for model in store.foreign():
        if model.id == (foreign_id(source) if source else name):
            return model
    if source:
        raise ModelMissingError(f"model {name} was not pulled: vivavoce models pull {name}")
    return catalogue.model(name)


def _is_folder(name: str) -> bool:
    return not name.startswith("hub:") and ("/" in name or "\\" in name or name[0] in ".~")


def _own(folder: Path, catalogue: Catalogue) -> Model:
    """Describe a folder; its name must not be an id, because workers look up models by id."""
    model = read_entry(folder)
    if any(known.id == model.id for known in catalogue):
        raise ModelChoiceError(f"{folder} has the name of a model in the catalogue: rename it")
    return model


def _only(chosen: Chosen, wanted: str) -> Chosen:
    """Return the model restricted to one language."""
    language = resolve(wanted, SPOKEN_CODES)
    if language is None:
        raise ModelChoiceError(f"{wanted!r} is no language code")
    if language not in chosen.languages:
        few = ", ".join(chosen.languages[:_FEW])
        more = " and more" if len(chosen.languages) > _FEW else ""
        raise ModelChoiceError(f"{chosen.model.id} does not speak {language}, but {few}{more}")
    return Chosen(chosen.model, chosen.folder, (language,), chosen.identifies)
