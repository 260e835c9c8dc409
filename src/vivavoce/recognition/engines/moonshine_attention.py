"""Make a Moonshine decoder that also tells where in the audio each token was heard.

The published decoder keeps its attention to itself. Here its graph is saved again as ONNX and the
cross-attention of every layer becomes an output, in both branches of the graph (with and without a
cache). The arithmetic stays as it is, so the result decodes with the same cost to the same tokens;
:func:`make` proves that on both branches before the file is used.

Needs the ``onnx`` package: used when a model is pulled, never while serving.
"""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from vivavoce.inference import Graph, open_graph, rewrite_as_onnx
from vivavoce.recognition.engines.moonshine_model import (
    LAYERS,
    attention_name,
    empty_cache,
)
from vivavoce.recognition.model_errors import IntegrityError

ORIGINAL = "decoder_model_merged.ort"

_PROBE_FRAMES = 12
_PROBE_SAMPLES = 384 * _PROBE_FRAMES + 895 - 384


def make(folder: Path, target: Path) -> None:
    """Write the decoder with attention to ``target`` and prove that it decodes alike.

    Raises:
        IntegrityError: the graph is not the expected one, or the results differ.
    """
    original = folder / ORIGINAL
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        plain = Path(scratch, "plain.onnx")
        rewrite_as_onnx(original, plain)
        graph = onnx.load(plain)
    _expose_attention(graph)
    target.write_bytes(graph.SerializeToString(deterministic=True))
    _prove(original, target)


def _expose_attention(model: onnx.ModelProto) -> None:
    """Add the softmax of every layer's cross-attention to the outputs, branch by branch."""
    model.graph.name = model.graph.name or "decoder"
    (choice,) = (node for node in model.graph.node if node.op_type == "If")
    for branch in choice.attribute:
        branch.g.name = branch.g.name or branch.name
        branch.g.output.extend(_tensor(name) for name in _cross_attentions(branch.g))
    for layer in range(LAYERS):
        choice.output.append(attention_name(layer))
        model.graph.output.append(_tensor(attention_name(layer)))


def _cross_attentions(graph: onnx.GraphProto) -> list[str]:
    """Names of the attention weights, in the order of the layers."""
    names = [
        f"/model/decoder/layers.{layer}/encoder_attn/Softmax_output_0" for layer in range(LAYERS)
    ]
    made = {output for node in graph.node if node.op_type == "Softmax" for output in node.output}
    if missing := set(names) - made:
        raise IntegrityError(f"the decoder has no {', '.join(sorted(missing))}")
    return names


def _tensor(name: str) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)


def _prove(original: Path, derived: Path) -> None:
    """Compare the logits of a made-up input, bit by bit, without and then with a cache."""
    expected = _two_steps(open_graph(original), [])
    outputs = [attention_name(layer) for layer in range(LAYERS)]
    found = _two_steps(open_graph(derived), outputs)
    for step in range(2):
        logits, *attention = found[step]
        if not np.allclose(logits, expected[step][0], rtol=1e-4, atol=1e-4):
            raise IntegrityError("the decoder with attention does not decode like the original")
        if not all(np.allclose(weights.sum(-1), 1, atol=1e-3) for weights in attention):
            raise IntegrityError("what the decoder gives as attention does not sum to one")


def _two_steps(session: Graph, attention: list[str]) -> list[list[npt.NDArray[np.float32]]]:
    """Run three tokens without a cache and one more with it."""
    rng = np.random.default_rng(0)
    width = session.get_inputs()[2].shape[-1]
    feed = {
        "input_ids": np.array([[1, 400, 500]]),
        "encoder_hidden_states": rng.standard_normal((1, _PROBE_FRAMES, width), np.float32),
        "encoder_attention_mask": np.ones((1, _PROBE_SAMPLES), np.int64),
        "use_cache_branch": np.array([False]),
        **empty_cache(1),
    }
    outputs = ["logits", *attention]
    kept = [name.replace("past_key_values", "present") for name in empty_cache(1)]
    first = session.run([*outputs, *kept], feed)
    feed |= dict(zip(empty_cache(1), first[len(outputs) :], strict=True))
    feed |= {"input_ids": np.array([[600]]), "use_cache_branch": np.array([True])}
    return [first[: len(outputs)], session.run(outputs, feed)]
