"""Verification that the graphs derived from Moonshine's published ones behave like them.

The graphs round whole tensors to bytes. A sum in another order shifts single numbers by one
rounding step but preserves the directions of vectors, so the directions are compared.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vivavoce.inference import Graph, open_graph
from vivavoce.recognition.engines.moonshine_model import (
    HEAD_WIDTH,
    HEADS,
    LAYERS,
    START,
    DecoderRun,
    Encoded,
    Floats,
    cross_name,
)
from vivavoce.recognition.model_errors import IntegrityError

_SECONDS = 3
_TOKENS = (START, 400, 500)
_NEXT = 600
_ALIKE = 0.99
"""Least cosine between the results of the published graphs and of those derived from them; a wrong
weight or order of heads gives far less."""


def prove_encoder(encoder: Path, decoder: Path, made: Path) -> None:
    """Compare the keys and values that a decoder attends to, for synthetic audio.

    Args:
        encoder: the published encoder.
        decoder: the published decoder; it computes the keys and values from the encoder's output.
        made: the derived encoder, which computes them itself.

    Raises:
        IntegrityError: the keys or values differ.
    """
    audio = _babble()
    states = _states(open_graph(encoder), audio)
    expected = _Published(open_graph(decoder), states).cross
    found = open_graph(made).run(list(expected), {"audio": audio})
    for name, value in zip(expected, found, strict=True):
        _compare(expected[name], value, f"the encoder made here hears otherwise ({name})")


def prove_decoder(encoder: Path, decoder: Path, made: Path) -> None:
    """Compare the predictions after some tokens, first without and then with earlier ones.

    Raises:
        IntegrityError: the logits differ, or the attention does not sum to one.
    """
    published = _Published(open_graph(decoder), _states(open_graph(encoder), _babble()))
    run = DecoderRun(open_graph(made), published.cross)
    for tokens, expected in ((_TOKENS, published.first), ((_NEXT,), published.second)):
        logits, attention = run.feed(tokens, len(tokens))
        _compare(expected, logits, "the decoder made here decodes otherwise")
        if not np.allclose(attention.sum(-1), 1, atol=1e-3):
            raise IntegrityError("what the decoder gives as attention does not sum to one")


class _Published:
    """Results of the published decoder for encoded audio and four tokens in two steps."""

    def __init__(self, decoder: Graph, states: Floats) -> None:
        parts = [
            f"{layer}.{whose}.{kind}"
            for layer in range(LAYERS)
            for whose in ("decoder", "encoder")
            for kind in ("key", "value")
        ]
        nothing = np.zeros((1, HEADS, 0, HEAD_WIDTH), np.float32)
        feed: dict[str, Any] = {
            "input_ids": np.array([_TOKENS]),
            "encoder_hidden_states": states,
            "encoder_attention_mask": np.ones((1, _SECONDS * 16_000), np.int64),
            "use_cache_branch": np.array([False]),
            **{f"past_key_values.{part}": nothing for part in parts},
        }
        self.first, *kept = decoder.run(["logits", *(f"present.{part}" for part in parts)], feed)
        past = {f"past_key_values.{part}": value for part, value in zip(parts, kept, strict=True)}
        feed |= past | {"input_ids": np.array([[_NEXT]]), "use_cache_branch": np.array([True])}
        (self.second,) = decoder.run(["logits"], feed)
        present = dict(zip(parts, kept, strict=True))
        self.cross: Encoded = {}
        for layer in range(LAYERS):
            keys = present[f"{layer}.encoder.key"]
            self.cross[cross_name(layer, "key")] = np.ascontiguousarray(keys.swapaxes(2, 3))
            self.cross[cross_name(layer, "value")] = present[f"{layer}.encoder.value"]


def _states(encoder: Graph, audio: Floats) -> Floats:
    feed = {"input_values": audio, "attention_mask": np.ones(audio.shape, np.int64)}
    states: Floats = encoder.run(None, feed)[0]
    return states


def _babble() -> Floats:
    """Return harmonics of changing loudness in faint noise, ``[1, samples]``."""
    time = np.arange(_SECONDS * 16_000) / 16_000
    voice = sum(np.sin(2 * np.pi * 140 * harmonic * time) / harmonic for harmonic in range(1, 20))
    noise = np.random.default_rng(0).standard_normal(len(time))
    sound = 0.1 * voice * np.sin(2 * np.pi * 1.5 * time) ** 2 + 0.001 * noise
    return sound.astype(np.float32)[None]


def _compare(expected: npt.NDArray[Any], found: npt.NDArray[Any], wrong: str) -> None:
    one, other = expected.ravel(), found.ravel()
    if one.shape != other.shape:
        raise IntegrityError(wrong)
    cosine = float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
    if not cosine >= _ALIKE:
        raise IntegrityError(f"{wrong}: cosine {cosine:.4f}")
