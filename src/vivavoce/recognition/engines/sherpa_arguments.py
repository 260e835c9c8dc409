"""Arguments that a model's description may pass to sherpa-onnx: known settings and its own files.

A description comes with the model, from the hub or from elsewhere, so it is not trusted to name
other files of this machine.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vivavoce.recognition.model_errors import CatalogueError

VALUES = frozenset({
    *("blank_penalty", "chunk_size", "ctc_max_active", "decoding_method", "dither"),
    *("enable_endpoint_detection", "enable_segment_timestamps", "enable_token_timestamps"),
    *("feature_dim", "high_freq", "hotwords", "hotwords_score", "itn", "lm_scale"),
    *("lm_shallow_fusion", "lodr_scale", "low_freq", "max_active_paths", "max_new_tokens"),
    *("max_total_len", "model_type", "modeling_unit", "normalize_samples", "num_left_chunks"),
    *("num_threads", "provider", "reset_encoder", "rule1_min_trailing_silence"),
    *("rule2_min_trailing_silence", "rule3_min_utterance_length", "sample_rate", "seed"),
    *("snip_edges", "src_lang", "system_prompt", "tail_paddings", "task", "temperature"),
    *("temperature_scale", "tgt_lang", "top_p", "use_itn", "use_punct", "user_prompt"),
    *("language", "cudnn_conv_algo_search", "device"),
})  # fmt: skip
"""Arguments that are numbers, switches or words."""

FILES = frozenset({
    *("bpe_vocab", "ctc_graph", "hotwords_file", "hr_dict_dir", "hr_lexicon", "hr_rule_fsts"),
    *("lm", "lodr_fst", "rule_fars", "rule_fsts"),
})  # fmt: skip
"""Arguments that are files of the model; several files are separated by commas."""


def own_file(folder: Path, name: object) -> Path:
    """Return the path of a file that a description names.

    Raises:
        CatalogueError: the name is not a file name, or points outside the model's folder.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise CatalogueError(f"sherpa: {name!r} is no name of a file")
    path = folder / name
    if ".." in Path(name).parts or not path.resolve().is_relative_to(folder.resolve()):
        raise CatalogueError(f"sherpa: {name!r} leads out of the model's folder")
    return path


def further_arguments(given: object, folder: Path) -> dict[str, Any]:
    """Return the arguments that a description adds, with its files as paths.

    Raises:
        CatalogueError: a description may not set an argument, or names an invalid file.
    """
    if not isinstance(given, Mapping):
        raise CatalogueError("sherpa: 'arguments' must be a table")
    return {name: _argument(name, value, folder) for name, value in given.items()}


def _argument(name: str, value: object, folder: Path) -> object:
    if name in FILES:
        names = value.split(",") if isinstance(value, str) else [value]
        return ",".join(str(own_file(folder, one)) for one in names)
    if name not in VALUES:
        known = ", ".join(sorted(VALUES | FILES))
        raise CatalogueError(f"sherpa: a model may not set {name!r}; known: {known}")
    if not isinstance(value, str | int | float):
        raise CatalogueError(f"sherpa: {name} must be a text, a number, true or false")
    return value
