"""A streaming transducer that hears three tones as words, in the form that sherpa-onnx loads.

Its encoder looks at one mel band for each word, its decoder remembers the last word so that one
tone is one word, and its joiner adds the two. Nothing is trained, nothing random.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from vivavoce.recognition.contract import SAMPLE_RATE

WORDS = {"low": 500.0, "mid": 1200.0, "high": 2600.0}
"""The words and their hertz."""

_MEL_BINS = 80
_CHUNK = 16
_SUBSAMPLING = 4
_SYMBOLS = ("<blk>", "<sos/eos>", "<unk>", *(f"\N{LOWER ONE EIGHTH BLOCK}{word}" for word in WORDS))
_SIZE = len(_SYMBOLS)
_LOUD = -4.0
"""Log energy of a mel band above which its tone counts as heard."""

Floats = npt.NDArray[np.float32]


def tones(text: str, *, gap: float = 0.3, seconds: float = 0.4) -> Floats:
    """Audio in which the transducer hears these words."""
    silence = np.zeros(int(gap * SAMPLE_RATE), np.float32)
    parts = [silence]
    for word in text.split():
        turns = np.arange(int(seconds * SAMPLE_RATE)) * WORDS[word] / SAMPLE_RATE
        # Faded in and out: a click would be heard in every band.
        loudness = 0.3 * np.sin(np.linspace(0, np.pi, len(turns)))
        parts += [(loudness * np.sin(2 * np.pi * turns)).astype(np.float32), silence]
    return np.concatenate(parts)


def write(folder: Path, *, streaming: bool = True) -> Path:
    """Write the model into a folder and return that."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (f"{symbol} {number}\n" for number, symbol in enumerate(_SYMBOLS))
    (folder / "tokens.txt").write_text("".join(lines), "utf-8")
    encoder = _streaming_encoder() if streaming else _offline_encoder()
    onnx.save(encoder, str(folder / "encoder.onnx"))
    onnx.save(_decoder(), str(folder / "decoder.onnx"))
    onnx.save(_joiner(), str(folder / "joiner.onnx"))
    return folder


def _mel(hertz: float) -> float:
    return 1127.0 * float(np.log(1.0 + hertz / 700.0))


def _band(hertz: float) -> int:
    """The mel bin whose middle is nearest, as kaldi lays them from 20 to 7600 Hz."""
    low, high = _mel(20.0), _mel(7600.0)
    return round((_mel(hertz) - low) / (high - low) * (_MEL_BINS + 1)) - 1


def _heard() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Graph from ``x`` [N, T, 80] to ``encoder_out`` [N, T/4, symbols]."""
    bands = np.zeros((_MEL_BINS, _SIZE), np.float32)
    for number, hertz in enumerate(WORDS.values()):
        bands[_band(hertz), 3 + number] = 1.0
    offset = np.full(_SIZE, -100.0, np.float32)
    offset[0] = 0.0
    offset[3:] = -_LOUD
    tensors = [
        numpy_helper.from_array(bands, "bands"),
        numpy_helper.from_array(offset, "offset"),
        numpy_helper.from_array(np.array([0], np.int64), "zero"),
        numpy_helper.from_array(np.array([1 << 30], np.int64), "end"),
        numpy_helper.from_array(np.array([1], np.int64), "time"),
        numpy_helper.from_array(np.array([_SUBSAMPLING], np.int64), "step"),
    ]
    nodes = [
        helper.make_node("Slice", ["x", "zero", "end", "time", "step"], ["sparse"]),
        helper.make_node("MatMul", ["sparse", "bands"], ["energy"]),
        helper.make_node("Add", ["energy", "offset"], ["encoder_out"]),
    ]
    return nodes, tensors


def _streaming_encoder() -> onnx.ModelProto:
    """An encoder as exported for a stateful recurrent network, whose states it hands on."""
    nodes, tensors = _heard()
    nodes += [helper.make_node("Identity", [name], [f"new_{name}"]) for name in ("h", "c")]
    inputs = [_floats("x", ["N", _CHUNK, _MEL_BINS]), *(_floats(n, [1, "N", 1]) for n in "hc")]
    outputs = [
        _floats("encoder_out", ["N", _CHUNK // _SUBSAMPLING, _SIZE]),
        *(_floats(f"new_{n}", [1, "N", 1]) for n in "hc"),
    ]
    metadata = {
        "model_type": "lstm",
        "num_encoder_layers": "1",
        "T": str(_CHUNK),
        "decode_chunk_len": str(_CHUNK),
        "rnn_hidden_size": "1",
        "d_model": "1",
    }
    return _model("encoder", nodes, inputs, outputs, tensors, metadata)


def _offline_encoder() -> onnx.ModelProto:
    nodes, tensors = _heard()
    three = numpy_helper.from_array(np.array([_SUBSAMPLING - 1], np.int64), "three")
    four = numpy_helper.from_array(np.array([_SUBSAMPLING], np.int64), "four")
    nodes += [
        helper.make_node("Add", ["x_lens", "three"], ["rounded"]),
        helper.make_node("Div", ["rounded", "four"], ["encoder_out_lens"]),
    ]
    lengths = [helper.make_tensor_value_info("x_lens", TensorProto.INT64, ["N"])]
    out_lengths = [helper.make_tensor_value_info("encoder_out_lens", TensorProto.INT64, ["N"])]
    inputs = [_floats("x", ["N", "T", _MEL_BINS]), *lengths]
    outputs = [_floats("encoder_out", ["N", "S", _SIZE]), *out_lengths]
    metadata = {"model_type": "zipformer2"}
    return _model("encoder", nodes, inputs, outputs, [*tensors, three, four], metadata)


def _decoder() -> onnx.ModelProto:
    """The last symbol, as a penalty for saying it again."""
    penalty = -1000.0 * np.eye(_SIZE, dtype=np.float32)
    penalty[0, 0] = 0.0
    tensors = [
        numpy_helper.from_array(penalty, "penalty"),
        numpy_helper.from_array(np.array(1, np.int64), "last"),
    ]
    nodes = [
        helper.make_node("Gather", ["y", "last"], ["symbol"], axis=1),
        helper.make_node("Gather", ["penalty", "symbol"], ["decoder_out"], axis=0),
    ]
    inputs = [helper.make_tensor_value_info("y", TensorProto.INT64, ["N", 2])]
    outputs = [_floats("decoder_out", ["N", _SIZE])]
    metadata = {"vocab_size": str(_SIZE), "context_size": "2"}
    return _model("decoder", nodes, inputs, outputs, tensors, metadata)


def _joiner() -> onnx.ModelProto:
    nodes = [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])]
    inputs = [_floats("encoder_out", ["N", _SIZE]), _floats("decoder_out", ["N", _SIZE])]
    metadata = {"joiner_dim": str(_SIZE)}
    return _model("joiner", nodes, inputs, [_floats("logit", ["N", _SIZE])], [], metadata)


def _floats(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _model(
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    tensors: list[onnx.TensorProto],
    metadata: dict[str, str],
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    return model
