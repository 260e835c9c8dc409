"""Custom models outside the catalogue: from the hub by name, or in a user's folder.

Such a model is described by its own ``model.toml`` or recognised by its files.
"""

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from vivavoce.recognition.catalogue import HubSource, Measurement, Model, ModelFile
from vivavoce.recognition.hub import HubFile
from vivavoce.recognition.model_errors import CatalogueError, IntegrityError
from vivavoce.recognition.unpacking import file_hash

DESCRIPTION = "model.toml"
ENTRY = "model.json"
"""File with the catalogue entry of a custom model, written into its folder when it is pulled."""

_HUB = re.compile(r"hub:([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_WANTED = re.compile(r"[A-Za-z0-9][\w.-]*\.(bin|onnx|ort|data|weights|json|txt|model|toml|fst|far)")


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of a ``model.toml``.

    Attributes:
        engine: name of the engine that loads the model.
        languages: codes of its languages; empty if the engine can determine them.
        options: options for the engine, such as a sherpa-onnx ``family``.
        measured: its results, for comparison with models measured on the same recordings.
    """

    engine: str
    languages: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    measured: tuple[Measurement, ...] = ()


def parse_hub_name(name: str) -> HubSource | None:
    """Parse ``hub:owner/name@revision``; return None for another kind of name.

    Raises:
        CatalogueError: the name begins with ``hub:`` but has no full commit.
    """
    if found := _HUB.fullmatch(name):
        return HubSource(found[1], found[2], {})
    if name.startswith("hub:"):
        raise CatalogueError(f"{name!r}: write hub:owner/name@ and the commit's 40 hex digits")
    return None


def foreign_id(source: HubSource) -> str:
    """Return the name of the model's folder."""
    return f"{source.repository.replace('/', '--')}--{source.revision[:12]}"


def wanted_files(files: Collection[HubFile]) -> list[HubFile]:
    """Return the files that an engine could read: no read-me, no code, no sub-folders."""
    return [file for file in files if _WANTED.fullmatch(file.path)]


def check_hub_file(path: Path, file: HubFile) -> None:
    """Check a file against the hub's listing of the commit.

    Raises:
        IntegrityError: the file differs.
    """
    if file.sha256 is not None:
        same = file_hash(path) == file.sha256
    else:
        data = path.read_bytes()
        header = f"blob {len(data)}\0".encode()
        # git's blob id; the commit hash that names the revision uses the same function.
        same = hashlib.sha1(header + data, usedforsecurity=False).hexdigest() == file.blob_id
    if not same:
        raise IntegrityError(f"{file.path} is not the file of that commit")


def pulled_entry(source: HubSource, folder: Path) -> Model:
    """Describe a model whose files have just been checked, and store the entry in its folder.

    Raises:
        CatalogueError: no engine could be determined for it.
    """
    files = tuple(
        ModelFile(path.name, path.stat().st_size, file_hash(path))
        for path in sorted(folder.iterdir())
    )
    source = msgspec.structs.replace(source, members={file.name: file.name for file in files})
    entry = msgspec.structs.replace(
        describe(folder),
        id=foreign_id(source),
        sources=(source,),
        files=files,
        summary=str(source),
        upstream=f"hub:{source.repository}@{source.revision}",
    )
    (folder / ENTRY).write_bytes(msgspec.json.encode(entry))
    return entry


def read_entry(folder: Path) -> Model:
    """Describe a custom model by the entry stored when it was pulled, or by its files.

    Raises:
        CatalogueError: no engine could be determined for it.
    """
    try:
        return msgspec.json.decode((folder / ENTRY).read_bytes(), type=Model)
    except FileNotFoundError:
        return describe(folder)
    except msgspec.MsgspecError as error:
        raise CatalogueError(f"{folder / ENTRY} is wrong: {error}") from error


def describe(folder: Path) -> Model:
    """Describe the model in a user's folder.

    Raises:
        CatalogueError: no engine could be determined for it.
    """
    told = _description(folder)
    return Model(
        id=folder.name,
        task="transcribe",
        summary="a model of your own",
        licence=None,
        upstream=str(folder),
        sources=(),
        files=(),
        engine=told.engine,
        languages=told.languages,
        options=told.options,
        measured=told.measured,
    )


def _description(folder: Path) -> Description:
    try:
        return msgspec.toml.decode((folder / DESCRIPTION).read_bytes(), type=Description)
    except FileNotFoundError:
        return Description(_engine(folder))
    except msgspec.MsgspecError as error:
        raise CatalogueError(f"{folder / DESCRIPTION} is wrong: {error}") from error


def _engine(folder: Path) -> str:
    """Determine the engine from the files that it needs."""
    if not folder.is_dir():
        raise CatalogueError(f"{folder} is no folder")
    names = {path.name for path in folder.iterdir()}
    if {"model.bin", "config.json"} <= names:
        return "whisper"
    if "tokens.txt" in names and any(name.endswith((".onnx", ".ort")) for name in names):
        return "sherpa"
    raise CatalogueError(f"no engine knows what is in {folder}: describe it in a {DESCRIPTION}")
