"""onnxruntime as this house wants it: one thread, no busy waiting, and no word to anybody.

The official Linux builds report what they run to their maker unless a variable is set before the
library is loaded (since 1.29). Nothing here may leave the machine, so this is the only place
that imports it.
"""

import os
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_PROVIDERS = ["CPUExecutionProvider"]
_PROCESSOR = Path("/proc/cpuinfo")


class Graph(Protocol):
    """A loaded graph."""

    def run(self, outputs: list[str] | None, feed: dict[str, Any]) -> list[Any]:
        """The wanted outputs (None: all) for the inputs, arrays by name."""
        ...

    def get_inputs(self) -> list[Any]:
        """The inputs, with ``name`` and ``shape``."""
        ...


def open_graph(path: Path) -> Graph:
    """Open a graph for one thread that sleeps when it has nothing to do.

    More threads or spinning burn up to twice the CPU for little time (docs/decisions/0004);
    parallel work belongs to several worker processes.
    """
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not _adds_products_exactly():
        options.add_session_config_entry("session.x64quantprecision", "1")
    graph: Graph = runtime.InferenceSession(str(path), options, providers=_PROVIDERS)
    return graph


def read_metadata(path: Path) -> dict[str, str]:
    """Return what a graph says of itself."""
    metadata: dict[str, str] = (
        _onnxruntime()
        .InferenceSession(str(path), providers=_PROVIDERS)
        .get_modelmeta()
        .custom_metadata_map
    )
    return metadata


def import_sherpa() -> ModuleType:
    """Import sherpa-onnx, which brings an onnxruntime of its own."""
    os.environ[_NO_TELEMETRY] = "1"
    return import_module("sherpa_onnx")


def rewrite_as_onnx(source: Path, target: Path) -> None:
    """Write a graph again in ONNX format, node for node."""
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ONNX")
    runtime.InferenceSession(str(source), options, providers=_PROVIDERS)


def _adds_products_exactly() -> bool:
    """Whether this processor adds products of unsigned and signed bytes without overflow.

    x86 processors before VNNI do not; onnxruntime then has a slower way that it must be asked for.
    It has no effect on others. Where nothing tells, it is the safe choice.
    """
    try:
        return "vnni" in _PROCESSOR.read_text("utf-8")
    except OSError:
        return False


def _onnxruntime() -> ModuleType:
    os.environ[_NO_TELEMETRY] = "1"
    return import_module("onnxruntime")
