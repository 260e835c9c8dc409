"""The models that an operator names: of the catalogue, of the hub, or in a folder of one's own."""

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
    """An installed model, and what it is to do.

    Attributes:
        folder: where it lies.
        languages: those it is to speak.
        identifies: whether it can tell languages apart.
    """

    model: Model
    folder: Path
    languages: tuple[str, ...]
    identifies: bool


def choose(name: str, catalogue: Catalogue, store: ModelStore) -> Chosen:
    """The installed model that ``[LANGUAGE=]MODEL`` means.

    Args:
        name: ``MODEL`` is an id, ``hub:owner/name@commit``, or a folder, with a slash in it.
        catalogue: the models known by id.
        store: the models on disk.

    Raises:
        ModelError: it is not installed, no transcriber, or does not speak the language; no engine
            here can load it.
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
    """What an installed model can do.

    Raises:
        ModelError: it does not transcribe, or no engine here can load it.
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
    """Look among what was pulled from the hub, then in the catalogue.

    Raises:
        UnknownModelError: no such id.
        CatalogueError: the name begins like one of the hub, but is none.
        ModelMissingError: a model of the hub that was not pulled.
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
    """Describe a folder; its name must not be taken, because workers go by it."""
    model = read_entry(folder)
    if any(known.id == model.id for known in catalogue):
        raise ModelChoiceError(f"{folder} has the name of a model in the catalogue: rename it")
    return model


def _only(chosen: Chosen, wanted: str) -> Chosen:
    """The model for one language alone."""
    language = resolve(wanted, SPOKEN_CODES)
    if language is None:
        raise ModelChoiceError(f"{wanted!r} is no language code")
    if language not in chosen.languages:
        few = ", ".join(chosen.languages[:_FEW])
        more = " and more" if len(chosen.languages) > _FEW else ""
        raise ModelChoiceError(f"{chosen.model.id} does not speak {language}, but {few}{more}")
    return Chosen(chosen.model, chosen.folder, (language,), chosen.identifies)
