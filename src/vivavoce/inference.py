"""onnxruntime with one thread, no busy waiting, and no telemetry.

Since 1.29, the official Linux builds send usage data to their vendor unless a variable is set
before the library is loaded. No data may leave the machine, so only this module imports the
library.
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
        """Return the wanted outputs (None: all) for inputs given as arrays by name."""
        ...

    def get_inputs(self) -> list[Any]:
        """Return the inputs, with ``name`` and ``shape``."""
        ...


def open_graph(path: Path) -> Graph:
    """Open a graph for one thread that sleeps while idle.

    More threads or spinning use up to twice the CPU for little speed (docs/decisions/0004);
    parallel work runs in several worker processes.
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
    """Return the custom metadata of a graph."""
    metadata: dict[str, str] = (
        _onnxruntime()
        .InferenceSession(str(path), providers=_PROVIDERS)
        .get_modelmeta()
        .custom_metadata_map
    )
    return metadata


def import_sherpa() -> ModuleType:
    """Import sherpa-onnx, which includes its own onnxruntime."""
    os.environ[_NO_TELEMETRY] = "1"
    return import_module("sherpa_onnx")


def rewrite_as_onnx(source: Path, target: Path) -> None:
    """Rewrite a graph in ONNX format, node for node."""
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ONNX")
    runtime.InferenceSession(str(source), options, providers=_PROVIDERS)


def _adds_products_exactly() -> bool:
    """Return whether this processor adds products of unsigned and signed bytes without overflow.

    x86 processors before VNNI do not; onnxruntime has a slower mode for them, which must be
    requested and has no effect on other processors. If the processor is unknown, False is safe.
    """
    try:
        return "vnni" in _PROCESSOR.read_text("utf-8")
    except OSError:
        return False


def _onnxruntime() -> ModuleType:
    os.environ[_NO_TELEMETRY] = "1"
    return import_module("onnxruntime")
