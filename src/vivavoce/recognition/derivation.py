"""Files derived from a model's files when it is pulled, so that serving needs fewer tools."""

from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path

from vivavoce.recognition.catalogue import DerivedFile
from vivavoce.recognition.model_errors import CatalogueError, ModelError
from vivavoce.recognition.unpacking import check_hash

Maker = Callable[[Path, Path], None]
"""Makes the target (second) from the model's folder (first), and proves that it works."""

MAKERS = {
    "moonshine-encoder": "vivavoce.recognition.engines.moonshine_graphs:make_encoder",
    "moonshine-decoder": "vivavoce.recognition.engines.moonshine_graphs:make_decoder",
    "moonshine-symbols": "vivavoce.recognition.engines.moonshine_tokens:make_symbols",
}


def derive(derived: DerivedFile, folder: Path) -> dict[str, str]:
    """Make a derived file in a model's folder.

    Returns:
        Versions of the tools that made it.

    Raises:
        ModelError: a tool is missing, or the derived file does not behave like the original.
    """
    maker = _find_maker(derived.maker)
    maker(folder, folder / derived.name)
    if not derived.tools:  # made by this package alone, so its bytes are fixed
        check_hash(folder / derived.name, derived.sha256, derived.name)
    return tool_versions(derived)


def tool_versions(derived: DerivedFile) -> dict[str, str]:
    """Return the installed versions of the tools that a derived file names."""
    return {tool: metadata.version(tool) for tool in derived.tools}


def _find_maker(name: str) -> Maker:
    try:
        module, function = MAKERS[name].split(":")
    except KeyError:
        raise CatalogueError(f"the catalogue asks for an unknown maker {name!r}") from None
    try:
        maker: Maker = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"preparing this model needs {error.name}: pip install 'vivavoce[server]'"
        ) from error
    return maker
