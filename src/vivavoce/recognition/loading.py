"""Build an engine from a model's catalogue entry."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.contract import Engine
from vivavoce.recognition.foreign import read_entry
from vivavoce.recognition.model_errors import ModelError, UnknownModelError

_ENGINES = {
    "moonshine": "vivavoce.recognition.engines.moonshine:load",
    "sherpa": "vivavoce.recognition.engines.sherpa:load",
}
_EXTRAS = {"sherpa_onnx": "sherpa"}
"""Which extra brings a library; the others come with ``server``."""

GROUP = "vivavoce.engines"
"""Entry points under which other packages offer engines: name → ``load(model, folder)``."""


def has_engine(model: Model) -> bool:
    """Whether this installation knows the engine that a model names."""
    return model.engine in _ENGINES or bool(entry_points(group=GROUP, name=model.engine or ""))


def load_engine(model: Model, folder: Path) -> Engine:
    """Load a model with the engine it names; only that engine's libraries are imported.

    Args:
        model: catalogue entry of a ``transcribe`` model.
        folder: the model's folder, as ``ModelStore.path`` returns it.

    Raises:
        ModelError: no engine of that name, or its libraries are not installed.
    """
    try:
        engine: Engine = _loader(model)(model, folder)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "", "server")
        raise ModelError(
            f"{model.id} needs {error.name}: pip install 'vivavoce[{extra}]'"
        ) from error
    return engine


def load_model(model_id: str, folder: str) -> Engine:
    """``load_engine`` with plain arguments, as a worker process gets them."""
    try:
        model = load_catalogue().model(model_id)
    except UnknownModelError:
        model = read_entry(Path(folder))
    return load_engine(model, Path(folder))


def _loader(model: Model) -> Callable[[Model, Path], Engine]:
    """Find the engine: ours, or one that another package offers."""
    if model.engine in _ENGINES:
        module, function = _ENGINES[model.engine].split(":")
        ours: Callable[[Model, Path], Engine] = getattr(import_module(module), function)
        return ours
    for offered in entry_points(group=GROUP, name=model.engine or ""):
        theirs: Callable[[Model, Path], Engine] = offered.load()
        return theirs
    raise ModelError(f"no engine can load {model.id}")
