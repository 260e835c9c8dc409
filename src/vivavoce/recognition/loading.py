"""Build an engine from a model's catalogue entry."""

from importlib import import_module
from pathlib import Path

from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.contract import Engine
from vivavoce.recognition.model_errors import ModelError

_ENGINES = {
    "moonshine": "vivavoce.recognition.engines.moonshine:load",
}


def has_engine(model: Model) -> bool:
    """Whether this installation knows the engine that a model names."""
    return model.engine in _ENGINES


def load_engine(model: Model, folder: Path) -> Engine:
    """Load a model with the engine it names; only that engine's libraries are imported.

    Args:
        model: catalogue entry of a ``transcribe`` model.
        folder: the model's folder, as ``ModelStore.path`` returns it.

    Raises:
        ModelError: no engine of that name, or its libraries are not installed.
    """
    if model.engine not in _ENGINES:
        raise ModelError(f"no engine can load {model.id}")
    module, function = _ENGINES[model.engine].split(":")
    try:
        engine: Engine = getattr(import_module(module), function)(model, folder)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"{model.id} needs {error.name}: pip install 'vivavoce[server]'"
        ) from error
    return engine


def load_model(model_id: str, folder: str) -> Engine:
    """``load_engine`` with plain arguments, as a worker process gets them."""
    return load_engine(load_catalogue().model(model_id), Path(folder))
