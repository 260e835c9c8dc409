"""Build an engine from a model's catalogue entry."""

from collections.abc import Callable, Collection
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeVar

from msgspec.structs import replace

from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.contract import Engine
from vivavoce.recognition.foreign import read_entry
from vivavoce.recognition.model_errors import CatalogueError, ModelError, UnknownModelError
from vivavoce.recognition.punctuation import PunctuatedEngine, Punctuator

Device = Literal["cpu", "cuda"]

_ENGINES = {
    "moonshine": "vivavoce.recognition.engines.moonshine:load",
    "sherpa": "vivavoce.recognition.engines.sherpa:load",
    "whisper": "vivavoce.recognition.engines.whisper:load",
}
_LIBRARIES = {"moonshine": "onnxruntime", "sherpa": "sherpa_onnx", "whisper": "ctranslate2"}
_EXTRAS = {"sherpa_onnx": "sherpa"}
"""The extra that installs a library; the others are part of ``server``."""

ENGINES = "vivavoce.engines"
"""Entry point group in which other packages offer engines: name → ``load(model, folder)``."""
PUNCTUATORS = "vivavoce.punctuators"
"""The same for punctuation models; a model selects one with the option ``punctuation``."""

_Thing = TypeVar("_Thing", Engine, Punctuator)
_Load = Callable[[Model, Path], _Thing]


def has_engine(model: Model) -> bool:
    """Return whether this installation has the engine that a model names."""
    return model.engine in _ENGINES or bool(_offered(ENGINES, model.engine))


def check_loadable(model: Model) -> None:
    """Check that a model could be loaded, without loading anything.

    Raises:
        ModelError: no engine has that name, or its library is not installed.
    """
    if not has_engine(model):
        raise ModelError(f"no installed package has the engine {model.engine!r} of {model.id}")
    library = _LIBRARIES.get(model.engine or "")
    if library and find_spec(library) is None:
        raise _missing(model, library)


def languages_of(model: Model, folder: Path) -> Collection[str]:
    """Return a model's languages, read from its files if its entry names none.

    Raises:
        ModelError: neither the entry nor the files name any.
    """
    if model.languages:
        return model.languages
    if model.engine != "whisper":
        raise CatalogueError(f"{model.id}: name its languages in the model.toml of {folder}")
    whisper = import_module("vivavoce.recognition.engines.whisper_tokens")
    found: frozenset[str] = whisper.WhisperTokenizer.load(folder).spoken
    return found


def identifies_languages(model: Model, languages: Collection[str]) -> bool:
    """Return whether a model with these languages supports language identification."""
    return model.engine == "whisper" and len(languages) > 1


def load_engine(model: Model, folder: Path) -> Engine:
    """Load a model with its engine; only that engine's libraries are imported.

    Args:
        model: catalogue entry of a ``transcribe`` model.
        folder: the model's folder, as ``ModelStore.path`` returns it.

    Raises:
        ModelError: no engine has that name, or its libraries are not installed.
    """
    try:
        engine = _engine_loader(model)(model, folder)
        if engine.capabilities.punctuates or "punctuation" not in model.options:
            return engine
        return PunctuatedEngine(engine, _punctuation_loader(model)(model, folder))
    except ModuleNotFoundError as error:
        raise _missing(model, error.name or "") from error


def load_model(model_id: str, folder: str, device: Device = "cpu") -> Engine:
    """Load an engine like ``load_engine``, with the plain arguments that a worker receives.

    ``device`` applies to engines that support several; a model's own option ``device`` takes
    precedence.
    """
    try:
        model = load_catalogue().model(model_id)
    except UnknownModelError:
        model = read_entry(Path(folder))
    model = replace(model, options={"device": device, **model.options})
    return load_engine(model, Path(folder))


def _missing(model: Model, library: str) -> ModelError:
    extra = _EXTRAS.get(library, "server")
    return ModelError(f"{model.id} needs {library}: pip install 'vivavoce[{extra}]'")


def _engine_loader(model: Model) -> _Load[Engine]:
    """Return the loader of the engine, built in or offered by another package."""
    if model.engine in _ENGINES:
        module, function = _ENGINES[model.engine].split(":")
        ours: _Load[Engine] = getattr(import_module(module), function)
        return ours
    for offered in _offered(ENGINES, model.engine):
        theirs: _Load[Engine] = offered.load()
        return theirs
    raise ModelError(f"no engine can load {model.id}")


def _punctuation_loader(model: Model) -> _Load[Punctuator]:
    name = model.options["punctuation"]
    for offered in _offered(PUNCTUATORS, name):
        theirs: _Load[Punctuator] = offered.load()
        return theirs
    raise ModelError(f"{model.id} asks for punctuation by {name!r}, and nothing offers that")


def _offered(group: str, name: str | None) -> EntryPoints:
    return entry_points(group=group, name=name or "")
