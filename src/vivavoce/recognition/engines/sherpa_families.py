"""Model families of sherpa-onnx: the files that each needs, and how it is opened."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vivavoce.inference import read_metadata
from vivavoce.recognition.engines.sherpa_arguments import further_arguments, own_file
from vivavoce.recognition.model_errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Family:
    """Description of how models of one kind are opened.

    Attributes:
        name: value of a model's ``family`` option.
        streaming: whether it decodes speech incrementally.
        constructor: method of ``OnlineRecognizer`` (streaming) or ``OfflineRecognizer``.
        roles: arguments that are graphs.
        folders: arguments that are folders.
        arguments: further arguments that the family needs.
        language: argument that takes the language, if there is one.
        punctuates: whether its models write marks and capitals by default.
    """

    name: str
    streaming: bool
    constructor: str
    roles: tuple[str, ...]
    folders: tuple[str, ...] = ()
    arguments: tuple[tuple[str, Any], ...] = ()
    language: str | None = None
    punctuates: bool = False


def _offline(name: str, *roles: str, **more: Any) -> Family:
    return Family(name, False, more.pop("constructor", f"from_{name}"), roles, **more)


def _online(name: str, *roles: str) -> Family:
    return Family(name, True, f"from_{name}", roles)


_TRANSDUCER = ("encoder", "decoder", "joiner")
_ENCODER_DECODER = ("encoder", "decoder")

FAMILIES: Sequence[Family] = (
    _online("transducer", *_TRANSDUCER),
    _online("paraformer", *_ENCODER_DECODER),
    _online("zipformer2_ctc", "model"),
    _online("nemo_ctc", "model"),
    _online("t_one_ctc", "model"),
    _online("wenet_ctc", "model"),
    _offline("transducer", *_TRANSDUCER),
    _offline(
        "nemo_transducer",
        *_TRANSDUCER,
        constructor="from_transducer",
        arguments=(("model_type", "nemo_transducer"),),
        punctuates=True,
    ),
    _offline("moonshine_v2", *_ENCODER_DECODER, punctuates=True),
    _offline(
        *("moonshine", "preprocessor", "encoder", "uncached_decoder", "cached_decoder"),
        punctuates=True,
    ),
    _offline("whisper", *_ENCODER_DECODER, language="language", punctuates=True),
    _offline("nemo_canary", *_ENCODER_DECODER, language="src_lang", punctuates=True),
    _offline("cohere_transcribe", *_ENCODER_DECODER, language="language", punctuates=True),
    _offline("fire_red_asr", *_ENCODER_DECODER),
    _offline("sense_voice", "model", language="language", arguments=(("use_itn", True),)),
    _offline("paraformer", "paraformer"),
    *(
        _offline(name, "model")
        for name in (
            *("nemo_ctc", "zipformer_ctc", "wenet_ctc", "tdnn_ctc", "telespeech_ctc"),
            *("dolphin_ctc", "omnilingual_asr_ctc", "medasr_ctc", "fire_red_asr_ctc"),
        )
    ),
    _offline(
        *("funasr_nano", "encoder_adaptor", "llm", "embedding"),
        folders=("tokenizer",),
        language="language",
        punctuates=True,
    ),
    _offline(
        *("qwen3_asr", "conv_frontend", "encoder", "decoder"),
        folders=("tokenizer",),
        punctuates=True,
    ),
)

_WITHOUT_TOKENS = ("funasr_nano", "qwen3_asr")
_STREAMING_METADATA = {"decode_chunk_len", "T", "chunk_shift", "cache_last_channel_dim1"}
_SPELLINGS = {
    "preprocessor": r"preprocess",
    "encoder": r"encode(?!.*adaptor)",
    "decoder": r"(?<!cached_)decode",
    "uncached_decoder": r"uncached_decode",
    "cached_decoder": r"(?<!un)cached_decode",
    "joiner": r"joiner",
    "encoder_adaptor": r"encoder.adaptor",
    "llm": r"llm",
    "embedding": r"embedding",
    "conv_frontend": r"conv.frontend",
    "model": r"",
    "paraformer": r"",
}
"""Usual names of the file of each role."""


def find_family(options: Mapping[str, Any], folder: Path) -> Family:
    """Return the family that a model's options name or that its files indicate.

    Raises:
        CatalogueError: the family does not exist, or cannot be determined.
    """
    name = options.get("family")
    streaming = options.get("streaming")
    if name is None:
        name, streaming = _guess(folder)
    found = [family for family in FAMILIES if family.name == name]
    if streaming is not None:
        found = [family for family in found if family.streaming is streaming]
    if len(found) == 1:
        return found[0]
    if found:
        raise CatalogueError(f"sherpa: say whether this {name} is streaming = true or false")
    known = ", ".join(dict.fromkeys(family.name for family in FAMILIES))
    raise CatalogueError(f"sherpa: there is no family {name!r} of that kind; known: {known}")


def arguments(family: Family, options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the arguments of the family's constructor, except for the language.

    Raises:
        CatalogueError: a file is missing, several files match a role, or the model's description
            sets an argument that it may not.
    """
    named: Mapping[str, str] = options.get("files", {})
    paths = {role: _file(role, named, folder) for role in family.roles}
    paths |= {role: _named(role, role, named, folder) for role in family.folders}
    if family.name not in _WITHOUT_TOKENS:
        paths["tokens"] = _named("tokens", "tokens.txt", named, folder)
    for path in paths.values():
        if not path.exists():
            raise CatalogueError(f"sherpa: {folder} has no {path.name}")
    return {
        "num_threads": 1,
        **dict(family.arguments),
        **{role: str(path) for role, path in paths.items()},
        **further_arguments(options.get("arguments", {}), folder),
    }


def _guess(folder: Path) -> tuple[str, bool]:
    names = " ".join(path.name for path in _graphs(folder))
    if "joiner" in names:
        metadata = read_metadata(_file("encoder", {}, folder))
        return "transducer", bool(_STREAMING_METADATA & metadata.keys())
    if "uncached_decode" in names:
        return "moonshine", False
    if "decoder_model_merged" in names:
        return "moonshine_v2", False
    raise CatalogueError(f"sherpa: say which family the model in {folder} is of")


def _file(role: str, named: Mapping[str, str], folder: Path) -> Path:
    """Find the file for a role; prefer int8 to other precisions."""
    if role in named:
        return own_file(folder, named[role])
    spelling = re.compile(_SPELLINGS[role])
    found = [path for path in _graphs(folder) if spelling.search(path.name)]
    if small := [path for path in found if ".int8." in path.name]:
        found = small
    if len(found) == 1:
        return found[0]
    problem = "several files could be" if found else "no file looks like"
    raise CatalogueError(f"sherpa: {problem} the {role} in {folder}; name it under 'files'")


def _named(role: str, usual: str, named: Mapping[str, str], folder: Path) -> Path:
    """Return the file or folder for a role, under the description's name or the usual one."""
    return own_file(folder, named[role]) if role in named else folder / usual


def _graphs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in {".onnx", ".ort"})
