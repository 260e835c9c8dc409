"""onnxruntime's official Linux builds keep a device id and send usage events unless told not to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vivavoce.places import models_folder

GRAPH = models_folder() / "silero-vad-6.2" / "silero_vad_16k_sequence.onnx"
OPEN = "import pathlib; from vivavoce import inference; inference.open_graph(pathlib.Path({!r}))"


def test_opening_a_graph_leaves_no_trace_of_telemetry(tmp_path: Path) -> None:
    if not GRAPH.exists():
        pytest.skip("the voice activity model is not there: run make models")
    # A machine that says it is CI is not reported anyway.
    silent = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"}
    environment = {name: value for name, value in os.environ.items() if name not in silent}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", OPEN.format(str(GRAPH))], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
