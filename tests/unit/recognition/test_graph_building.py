"""Graphs are written from the nodes and weights of others."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from vivavoce.inference import open_graph
from vivavoce.recognition.engines.graph_building import Builder, Source
from vivavoce.recognition.model_errors import IntegrityError


def quantised_product(weights: np.ndarray, zero_point: int) -> onnx.GraphProto:
    """A graph with one product of a value and weights of unsigned bytes."""
    kept: dict[str, np.ndarray] = {
        "weights": weights.astype(np.uint8),
        "scale": np.array(0.02, np.float32),
        "zero_point": np.array(zero_point, np.uint8),
    }
    node = helper.make_node(
        "DynamicQuantizeMatMul", ["value", *kept], ["result"], domain="com.microsoft"
    )
    return helper.make_graph(
        [node],
        "there",
        [],
        [],
        [numpy_helper.from_array(each, name) for name, each in kept.items()],
    )


@pytest.mark.parametrize("way", ["copy", "product"])
def test_a_product_with_signed_weights_gives_the_same_numbers(tmp_path: Path, way: str) -> None:
    rng = np.random.default_rng(3)
    graph = quantised_product(rng.integers(0, 256, (64, 48)), 131)
    value = rng.standard_normal((5, 64)).astype(np.float32)
    build = Builder(Source([graph]))
    build.input("given", [5, 64])
    build.output(getattr(build, way)("result", {0: "given"}))
    (tmp_path / "made.onnx").write_bytes(build.model("made"))
    (found,) = open_graph(tmp_path / "made.onnx").run(None, {"given": value})

    (weights, *_) = (numpy_helper.to_array(each) for each in graph.initializer)
    low, high = min(value.min(), 0), max(value.max(), 0)
    step = (high - low) / 255
    zero = np.round(-low / step)
    rounded = (np.clip(np.round(value / step) + zero, 0, 255) - zero) * step
    expected = rounded @ ((weights.astype(np.float32) - 131) * 0.02)
    assert np.allclose(found, expected, atol=1e-3)


def test_the_weights_of_a_taken_product_are_kept_as_signed_bytes() -> None:
    build = Builder(Source([quantised_product(np.array([[0, 128], [255, 7]]), 128)]))
    build.product("result", {0: build.input("given", [1, 2])})
    made = onnx.load_from_string(build.model("made")).graph
    kept = {each.name: numpy_helper.to_array(each) for each in made.initializer}
    assert kept["weights"].dtype == np.int8
    assert kept["weights"].tolist() == [[-128, 0], [127, -121]]
    assert kept["zero_point"] == 0
    assert kept["scale"] == np.float32(0.02)


def test_another_graph_than_the_expected_one_is_refused() -> None:
    build = Builder(Source([quantised_product(np.zeros((2, 2)), 0)]))
    with pytest.raises(IntegrityError, match="makes no /conv1/Conv_output_0"):
        build.copy("/conv1/Conv_output_0")
