"""Models that the catalogue does not know: from the hub by name, or a folder of the user's.

Such a model says what it is in a ``model.toml`` of its own, or is recognised by its files.
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
"""The catalogue entry of a foreign model, written into its folder when it is pulled."""

_HUB = re.compile(r"hub:([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_WANTED = re.compile(r"[A-Za-z0-9][\w.-]*\.(bin|onnx|ort|data|weights|json|txt|model|toml|fst|far)")


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ``model.toml`` says.

    Attributes:
        engine: name of the engine that loads the model.
        languages: codes it speaks; none where the engine knows by itself.
        options: what the engine needs to know, such as a sherpa-onnx ``family``.
        measured: how well it did, to be compared with models measured on the same recordings.
    """

    engine: str
    languages: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    measured: tuple[Measurement, ...] = ()


def parse_hub_name(name: str) -> HubSource | None:
    """Read ``hub:owner/name@revision``; None for a name of another kind.

    Raises:
        CatalogueError: it begins like one, but names no commit in full.
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
    """Choose what an engine could read: no read-me, no code, nothing in sub-folders."""
    return [file for file in files if _WANTED.fullmatch(file.path)]


def check_hub_file(path: Path, file: HubFile) -> None:
    """Hold a file against what the hub's listing of the commit says.

    Raises:
        IntegrityError: it is another.
    """
    if file.sha256 is not None:
        same = file_hash(path) == file.sha256
    else:
        data = path.read_bytes()
        header = f"blob {len(data)}\0".encode()
        # git names its blobs so; the commit hash of the reference rests on the same function.
        same = hashlib.sha1(header + data, usedforsecurity=False).hexdigest() == file.blob_id
    if not same:
        raise IntegrityError(f"{file.path} is not the file of that commit")


def pulled_entry(source: HubSource, folder: Path) -> Model:
    """Describe a model whose files have just been checked, and note it in the folder.

    Raises:
        CatalogueError: nothing says which engine could load it.
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
    """Describe a foreign model: by the entry noted when it was pulled, or by its files.

    Raises:
        CatalogueError: nothing says which engine could load it.
    """
    try:
        return msgspec.json.decode((folder / ENTRY).read_bytes(), type=Model)
    except FileNotFoundError:
        return describe(folder)
    except msgspec.MsgspecError as error:
        raise CatalogueError(f"{folder / ENTRY} is wrong: {error}") from error


def describe(folder: Path) -> Model:
    """Describe the model in a folder of the user's.

    Raises:
        CatalogueError: nothing says which engine could load it.
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
    """Tell the engine by the files it needs."""
    if not folder.is_dir():
        raise CatalogueError(f"{folder} is no folder")
    names = {path.name for path in folder.iterdir()}
    if {"model.bin", "config.json"} <= names:
        return "whisper"
    if "tokens.txt" in names and any(name.endswith((".onnx", ".ort")) for name in names):
        return "sherpa"
    raise CatalogueError(f"no engine knows what is in {folder}: describe it in a {DESCRIPTION}")
