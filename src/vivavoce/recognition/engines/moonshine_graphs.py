"""Derive Moonshine's graphs from the published ones: the same computation in fewer steps.

The published graphs compute shapes with hundreds of small nodes, pad every key and value again for
each token, and do not output the attention. Here the same layers are written in direct form:

- the *encoder* turns audio into the keys and values that every layer of the decoder attends to;
- the *decoder* turns these and tokens into the logits of the next token, and outputs its attention.

Only the order of some sums differs (docs/decisions/0017). ``moonshine_proof`` compares both with
the published graphs before they are used.
"""

import tempfile
from pathlib import Path

import onnx

from vivavoce.inference import rewrite_as_onnx
from vivavoce.recognition.engines.graph_building import INTEGER, Source
from vivavoce.recognition.engines.moonshine_layers import Layers
from vivavoce.recognition.engines.moonshine_model import LAYERS
from vivavoce.recognition.engines.moonshine_proof import prove_decoder, prove_encoder

PUBLISHED_ENCODER = "encoder_model.ort"
PUBLISHED_DECODER = "decoder_model_merged.ort"


def make_encoder(folder: Path, target: Path) -> None:
    """Write the encoder to ``target`` and verify that it behaves like the published one.

    Raises:
        IntegrityError: the published graphs are not the expected ones, or the results differ.
    """
    target.write_bytes(_encoder(_published(folder)))
    prove_encoder(folder / PUBLISHED_ENCODER, folder / PUBLISHED_DECODER, target)


def make_decoder(folder: Path, target: Path) -> None:
    """Write the decoder to ``target`` and verify that it behaves like the published one.

    Raises:
        IntegrityError: the published graphs are not the expected ones, or the results differ.
    """
    target.write_bytes(_decoder(_published(folder)))
    prove_decoder(folder / PUBLISHED_ENCODER, folder / PUBLISHED_DECODER, target)


def _published(folder: Path) -> Source:
    """Return both published graphs; the decoder branch with a cache has priority."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        plain = Path(scratch, "plain.onnx")
        graphs = []
        for name in (PUBLISHED_DECODER, PUBLISHED_ENCODER):
            rewrite_as_onnx(folder / name, plain)
            graphs.append(onnx.load(plain).graph)
    decoder, encoder = graphs
    (choice,) = (node for node in decoder.node if node.op_type == "If")
    branches = {branch.name: branch.g for branch in choice.attribute}
    # Only the branch without a cache computes keys and values of the audio.
    return Source([decoder, branches["else_branch"], branches["then_branch"], encoder])


def _encoder(published: Source) -> bytes:
    """Return the graph from audio ``[1, samples]`` to the keys and values of all layers."""
    build = Layers(published)
    heard = build.front(build.input("audio", [1, "samples"]))
    build.number(heard)
    for layer in range(LAYERS):
        heard = build.encoder_layer(layer, heard)
    quantised = build.quantised(build.encoder_end(heard))
    for layer in range(LAYERS):
        build.cross_keys(layer, quantised)
    return build.model("moonshine-encoder")


def _decoder(published: Source) -> bytes:
    """Return the graph from tokens ``[1, tokens]`` to the logits after those from ``first`` on."""
    build = Layers(published)
    said = build.embedded(build.input("tokens", [1, "tokens"], INTEGER))
    build.input("positions", [1, "tokens"], INTEGER)
    build.input("mask", ["tokens", "all"])
    build.input("first", [1], INTEGER)
    for layer in range(LAYERS):
        said = build.decoder_layer(layer, said)
    build.output(build.logits(said))
    return build.model("moonshine-decoder")
