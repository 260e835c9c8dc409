"""Build an ONNX graph node by node, with weights and operations copied from existing graphs.

Needs the ``onnx`` package; used when a model is pulled, never while serving.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from vivavoce.recognition.model_errors import IntegrityError

Array = npt.NDArray[Any]

FLOAT, INTEGER = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64

_OPSETS = (("", 18), ("com.microsoft", 1))
_IR_VERSION = 9
_SIGNED_ZERO = 128
"""Offset between the zero points of unsigned and signed bytes."""


class Source:
    """The nodes and weights of graphs, including their branches, by name."""

    def __init__(self, graphs: Iterable[onnx.GraphProto]) -> None:
        graphs = list(graphs)
        self._weights = {weight.name: weight for graph in graphs for weight in graph.initializer}
        self._makers = {
            output: node for graph in graphs for node in graph.node for output in node.output
        }

    def node(self, output: str) -> onnx.NodeProto:
        """Return the node that produces a value.

        Raises:
            IntegrityError: there is none, so the graph is not the expected one.
        """
        try:
            node: onnx.NodeProto = self._makers[output]
        except KeyError:
            raise IntegrityError(f"the model's graph makes no {output}") from None
        return node

    def weights(self, output: str) -> dict[str, Array]:
        """Return the weights that a value is computed from, by name and in their order."""
        names = self.node(output).input
        return {
            name: numpy_helper.to_array(self._weights[name])
            for name in names
            if name in self._weights
        }


class Builder:
    """A graph under construction; methods that add a single value return its name."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, Array] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: Sequence[int | str], kind: int = FLOAT) -> str:
        """Add an input; variable sizes are given as names."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str) -> None:
        """Make a value of 32-bit floats an output."""
        self._outputs.append(helper.make_tensor_value_info(name, FLOAT, None))

    def constant(self, name: str, value: Array | Sequence[int]) -> str:
        """Add an array to the graph, once per name."""
        self._weights[name] = np.asarray(value)
        return name

    def node(
        self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any
    ) -> str:
        """Add an operation with one result."""
        self.nodes(kind, inputs, [output], domain, **attributes)
        return output

    def nodes(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        domain: str = "",
        **attributes: Any,
    ) -> None:
        """Add an operation with several results."""
        self._nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))

    def copy(self, output: str, replacing: Mapping[int, str] | None = None) -> str:
        """Copy a node from the source with its weights unchanged.

        Args:
            output: the value that it produces, in the source and here.
            replacing: inputs that are other values here, by their position.
        """
        return self._taken(output, replacing or {}, lambda weight: weight)

    def product(self, output: str, replacing: Mapping[int, str]) -> str:
        """Copy a product with quantised weights, converting the weights to signed bytes.

        The numbers are the same. Processors have instructions for products of unsigned and signed
        bytes, which the unsigned weights of the published graphs cannot use.
        """
        return self._taken(output, replacing, _as_signed)

    def model(self, name: str) -> bytes:
        """Return the graph in ONNX format."""
        weights = [numpy_helper.from_array(value, name) for name, value in self._weights.items()]
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, weights)
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        encoded: bytes = model.SerializeToString(deterministic=True)
        return encoded

    def _taken(
        self, output: str, replacing: Mapping[int, str], change: Callable[[Array], Array]
    ) -> str:
        original = self.source.node(output)
        for name, weight in self.source.weights(output).items():
            self.constant(name, change(weight))
        inputs = [replacing.get(at, name) for at, name in enumerate(original.input)]
        node = onnx.NodeProto()
        node.CopyFrom(original)
        del node.input[:], node.output[:]
        node.input.extend(inputs)
        node.output.append(output)
        self._nodes.append(node)
        return output


def _as_signed(value: Array) -> Array:
    if value.dtype != np.uint8:
        return value
    return (value.astype(np.int16) - _SIGNED_ZERO).astype(np.int8)
