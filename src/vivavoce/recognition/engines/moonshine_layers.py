"""The layers of Moonshine's encoder and decoder in direct form; see ``moonshine_graphs``."""

from collections.abc import Sequence

import numpy as np

from vivavoce.recognition.engines.graph_building import Builder, Source
from vivavoce.recognition.engines.moonshine_model import (
    ALIGNMENT_LAYERS,
    HEAD_WIDTH,
    HEADS,
    attention_name,
    cross_name,
    past_name,
    present_name,
)

_FRONT = (
    "/Tanh_output_0",
    "/groupnorm/Reshape_output_0",
    "/groupnorm/InstanceNormalization_output_0",
    "/groupnorm/Shape_output_0",
    "/groupnorm/Reshape_1_output_0",
    "/groupnorm/Mul_output_0",
    "/groupnorm/Add_output_0",
    "/conv2/Conv_output_0",
    "/Mul_1_output_0",
    "/conv3/Conv_output_0",
    "/Mul_3_output_0",
    "/Transpose_output_0",
)
_ANGLES = "/rotary_emb/Expand_output_0"
_END = "last_hidden_state"
_EMBEDDING = "/model/decoder/embed_tokens/Gather_output_0"
_ROTATED = 32
"""Dimensions of a head that carry the position."""
_POSITIONS = 1024
"""Number of positions: 24 s of audio, and far more tokens than can be spoken in that time."""
_SCALE = HEAD_WIDTH**-0.5
_EPSILON = 1e-5
_MICROSOFT = "com.microsoft"
_HEADS_FIRST = (0, 2, 1, 3)
_TURNED = (0, 2, 3, 1)


class Layers(Builder):
    """A graph made of Moonshine's layers.

    Values have the names of the published graphs where these contain them.
    """

    def __init__(self, published: Source) -> None:
        super().__init__(published)
        (frequencies,) = published.weights(_ANGLES).values()
        angles = np.outer(np.arange(_POSITIONS, dtype=np.float32), frequencies)
        # 64-bit, because 32-bit results differ between processors.
        self.constant("cosines", np.cos(angles, dtype=np.float64).astype(np.float32))
        self.constant("sines", np.sin(angles, dtype=np.float64).astype(np.float32))
        self.constant("by_head", [0, 0, HEADS, HEAD_WIDTH])

    def front(self, audio: str) -> str:
        """Add three convolutions: audio ``[1, samples]`` to frames ``[1, frames, width]``."""
        self.copy("/Unsqueeze_output_0", {0: audio})
        for output in _FRONT:
            self.copy(output)
        return output

    def number(self, frames: str) -> None:
        """Add the positions of the frames."""
        self.constant("zero", np.array(0))
        self.constant("one", np.array(1))
        self.constant("rows", [0])
        shape = self.node("Shape", [frames], "shape")
        count = self.node("Gather", [shape, "one"], "count")
        numbers = self.node("Range", ["zero", count, "one"], "numbers")
        self.node("Unsqueeze", [numbers, "rows"], "positions")

    def embedded(self, tokens: str) -> str:
        """Add the embedding: tokens ``[1, tokens]`` to vectors ``[1, tokens, width]``."""
        self.copy(f"{_EMBEDDING}_quantized", {1: tokens})
        return self.copy(_EMBEDDING)

    def encoder_layer(self, layer: int, heard: str) -> str:
        """Add an encoder layer: self-attention of all frames, then the feed-forward part."""
        at = f"/layers.{layer}"
        quantised = self.quantised(self.norm(f"{at}/input_layernorm", heard))
        query, key, value = (self.dense(f"{at}/self_attn/{kind}_proj", quantised) for kind in "qkv")
        attended = self.node(
            "MultiHeadAttention",
            [self.rotated(query), self.rotated(key), value],
            f"{at}/attended",
            _MICROSOFT,
            num_heads=HEADS,
            scale=_SCALE,
        )
        heard = self.sum(heard, self.dense(f"{at}/self_attn/o_proj", attended))
        normed = self.norm(f"{at}/post_attention_layernorm", heard)
        wide = self.product(f"{at}/mlp/fc1/Add_output_0", {0: normed})
        active = self.node("Gelu", [wide], f"{at}/mlp/active", _MICROSOFT)
        return self.sum(heard, self.product(f"{at}/mlp/fc2/Add_output_0", {0: active}))

    def encoder_end(self, heard: str) -> str:
        """Normalise the output of the last layer; its sum is part of the same published node."""
        weights = self.source.weights(_END)
        for name, weight in weights.items():
            self.constant(name, weight)
        return self.node("LayerNormalization", [heard, *weights], _END, axis=-1, epsilon=_EPSILON)

    def cross_keys(self, layer: int, quantised: dict[int, str]) -> None:
        """Output a decoder layer's keys and values; keys are transposed for the product."""
        at = f"/model/decoder/layers.{layer}/encoder_attn"
        for kind, axes in (("key", _TURNED), ("value", _HEADS_FIRST)):
            dense = self.dense(f"{at}/{kind[0]}_proj", quantised)
            self.output(self.by_head(dense, cross_name(layer, kind), axes))

    def decoder_layer(self, layer: int, said: str) -> str:
        """Add a decoder layer: attention to earlier tokens and to the audio, then feed-forward."""
        at = f"/model/decoder/layers.{layer}"
        said = self.sum(said, self._attend_to_tokens(layer, f"{at}/self_attn", at, said))
        normed = self.norm(f"{at}/post_attention_layernorm", said)
        said = self.sum(said, self._attend_to_audio(layer, f"{at}/encoder_attn", normed))
        normed = self.norm(f"{at}/final_layernorm", said)
        both = self.product(f"{at}/mlp/fc1/Add_output_0", {0: normed})
        halves = [f"{at}/mlp/up", f"{at}/mlp/gate"]
        self.nodes("Split", [both], halves, axis=-1, num_outputs=2)
        gate = self.node("QuickGelu", halves[1:], f"{at}/mlp/open", _MICROSOFT, alpha=1.0)
        gated = self.node("Mul", [gate, halves[0]], f"{at}/mlp/gated")
        return self.sum(said, self.product(f"{at}/mlp/fc2/Add_output_0", {0: gated}))

    def logits(self, said: str) -> str:
        """Add the logits after the tokens from ``first`` on, ``[1, tokens, vocabulary]``."""
        self.constant("axes", [1])
        self.constant("end", [np.iinfo(np.int64).max])
        last = self.node("Slice", [said, "first", "end", "axes"], "last")
        return self.product("logits", {0: self.norm("/model/decoder/norm", last)})

    def norm(self, at: str, value: str) -> str:
        """Normalise vectors."""
        return self.copy(f"{at}/LayerNormalization_output_0", {0: value})

    def sum(self, one: str, other: str) -> str:
        """Add the output of a part of a layer to its input."""
        return self.node("Add", [one, other], f"{other}/sum")

    def quantised(self, value: str) -> dict[int, str]:
        """Quantise a value once for several products; return names by their input position."""
        parts = [f"{value}/bytes", f"{value}/scale", f"{value}/zero"]
        self.nodes("DynamicQuantizeLinear", [value], parts)
        return {0: parts[0], 2: parts[1], 4: parts[2]}

    def dense(self, at: str, value: str | dict[int, str]) -> str:
        """Add a linear layer without bias."""
        return self.product(
            f"{at}/MatMul_output_0", {0: value} if isinstance(value, str) else value
        )

    def rotated(self, value: str) -> str:
        """Rotate pairs of a head's dimensions by angles that grow with the position."""
        return self.node(
            "RotaryEmbedding",
            [value, "positions", "cosines", "sines"],
            f"{value}/rotated",
            _MICROSOFT,
            interleaved=1,
            num_heads=HEADS,
            rotary_embedding_dim=_ROTATED,
        )

    def by_head(self, value: str, output: str, axes: Sequence[int] = _HEADS_FIRST) -> str:
        """Reshape ``[1, tokens, width]`` to ``[1, heads, tokens, head width]``."""
        split = self.node("Reshape", [value, "by_head"], f"{output}/split")
        return self.node("Transpose", [split], output, perm=axes)

    def _attend_to_tokens(self, layer: int, at: str, of_layer: str, said: str) -> str:
        quantised = self.quantised(self.norm(f"{of_layer}/input_layernorm", said))
        query, key, value = (self.dense(f"{at}/{kind}_proj", quantised) for kind in "qkv")
        query = self.by_head(self.rotated(query), f"{at}/query")
        key = self._after_past(layer, "key", self.by_head(self.rotated(key), f"{at}/key"))
        value = self._after_past(layer, "value", self.by_head(value, f"{at}/value"))
        scores = self.node(
            "FusedMatMul", [query, key], f"{at}/scores", _MICROSOFT, alpha=_SCALE, transB=1
        )
        masked = self.node("Add", [scores, "mask"], f"{at}/masked")
        weights = self.node("Softmax", [masked], f"{at}/weights", axis=-1)
        return self._gathered(at, weights, value)

    def _attend_to_audio(self, layer: int, at: str, normed: str) -> str:
        self.constant("scale", np.array(_SCALE, np.float32))
        dense = self.dense(f"{at}/q_proj", normed)
        query = self.by_head(self.node("Mul", [dense, "scale"], f"{at}/scaled"), f"{at}/query")
        key = self.input(cross_name(layer, "key"), [1, HEADS, HEAD_WIDTH, "frames"])
        value = self.input(cross_name(layer, "value"), [1, HEADS, "frames", HEAD_WIDTH])
        scores = self.node("MatMul", [query, key], f"{at}/scores")
        weights = self.node("Softmax", [scores], attention_name(layer), axis=-1)
        if layer in ALIGNMENT_LAYERS:
            self.output(weights)
        return self._gathered(at, weights, value)

    def _after_past(self, layer: int, kind: str, value: str) -> str:
        """Append keys or values to those of earlier tokens, and output all of them."""
        past = self.input(past_name(layer, kind), [1, HEADS, "past", HEAD_WIDTH])
        present = self.node("Concat", [past, value], present_name(layer, kind), axis=2)
        self.output(present)
        return present

    def _gathered(self, at: str, weights: str, value: str) -> str:
        """Add the weighted sum of the values and the projection of the heads."""
        self.constant("heads_joined", [0, 0, HEADS * HEAD_WIDTH])
        gathered = self.node("MatMul", [weights, value], f"{at}/gathered")
        turned = self.node("Transpose", [gathered], f"{at}/turned", perm=_HEADS_FIRST)
        joined = self.node("Reshape", [turned, "heads_joined"], f"{at}/joined")
        return self.dense(f"{at}/o_proj", joined)
