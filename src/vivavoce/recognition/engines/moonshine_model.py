"""The Moonshine graphs: audio to keys and values, and these to tokens by greedy decoding.

All facts about the graphs (names, shapes, frames) are defined here. ``moonshine_graphs`` makes
the graphs from the published ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vivavoce.inference import Graph, open_graph

Floats = npt.NDArray[np.float32]

ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"

LAYERS = 6
HEADS = 8
HEAD_WIDTH = 36
START, END = 1, 2

FRAME = 384
"""Samples from one encoder frame to the next (24 ms)."""
FRAME_REACH = 895
"""Receptive field of one frame, in samples; shorter audio has no frame."""

ALIGNMENT_LAYERS = (3, 4, 5)
"""Their heads follow the audio most closely (docs/decisions/0004)."""

_KINDS = ("key", "value")


def cross_name(layer: int, kind: str) -> str:
    """Return the name of a layer's keys or values of the audio.

    Keys are ``[1, heads, head width, frames]``, values ``[1, heads, frames, head width]``.
    """
    return f"cross.{layer}.{kind}"


def past_name(layer: int, kind: str) -> str:
    """Return the name of a layer's earlier keys or values, ``[1, heads, tokens, head width]``."""
    return f"past.{layer}.{kind}"


def present_name(layer: int, kind: str) -> str:
    """Return the name of the keys or values that include the tokens of this step."""
    return f"present.{layer}.{kind}"


def attention_name(layer: int) -> str:
    """Return the name of a layer's attention to the audio, ``[1, heads, tokens, frames]``."""
    return f"attention.{layer}"


_PARTS = [(layer, kind) for layer in range(LAYERS) for kind in _KINDS]
_CROSS = [cross_name(layer, kind) for layer, kind in _PARTS]
_PAST = [past_name(layer, kind) for layer, kind in _PARTS]
_PRESENT = [present_name(layer, kind) for layer, kind in _PARTS]
_ATTENTION = [attention_name(layer) for layer in ALIGNMENT_LAYERS]

Encoded = dict[str, Floats]
"""Keys and values of the audio for every layer of the decoder, by their names."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Result of greedy decoding.

    Attributes:
        tokens: tokens chosen after the prefix, without the end token.
        log_probabilities: log probabilities of the chosen tokens, ``[tokens]``.
        attention: their attention to the audio, ``[heads, tokens, frames]``; with one more row,
            that of the end token, when ``ended``.
        ended: whether the model ended the text itself; otherwise the limit did.
    """

    tokens: tuple[int, ...]
    log_probabilities: Floats
    attention: Floats
    ended: bool


class MoonshineModel:
    """Both graphs, loaded from a model's folder, on one thread."""

    def __init__(self, folder: Path) -> None:
        self._encoder = open_graph(folder / ENCODER)
        self._decoder = open_graph(folder / DECODER)

    def encode(self, audio: Floats) -> Encoded:
        """Encode audio ``[samples]`` of at least ``FRAME_REACH`` samples."""
        found = self._encoder.run(_CROSS, {"audio": audio[None]})
        return dict(zip(_CROSS, found, strict=True))

    def decode(
        self,
        encoded: Encoded,
        limit: int,
        prefix: Sequence[int] = (),
        draft: Sequence[int] = (),
    ) -> Decoded:
        """Decode greedily, choosing the most probable token at each step.

        Args:
            encoded: the audio.
            limit: maximum number of tokens to choose.
            prefix: tokens that the text begins with; they are not part of the result.
            draft: tokens that probably follow; they are verified in a single step. The result is
                the same except for rounding.
        """
        run = DecoderRun(self._decoder, encoded)
        steps = [run.step([START, *prefix])]
        if draft and steps[0].token == draft[0]:
            steps += run.check(draft[: limit - 1])
        while steps[-1].token != END and len(steps) < limit:
            steps.append(run.step([steps[-1].token]))
        return _decoded(steps)


@dataclass(frozen=True, slots=True)
class _Step:
    """A chosen token with its attention to the audio, ``[layers, heads, frames]``."""

    token: int
    log_probability: np.float32
    attention: Floats


class DecoderRun:
    """State of one decoding: keeps the keys and values of the tokens between the steps."""

    def __init__(self, decoder: Graph, encoded: Encoded) -> None:
        self._decoder = decoder
        self._encoded = encoded
        nothing = np.zeros((1, HEADS, 0, HEAD_WIDTH), np.float32)
        self._past = dict.fromkeys(_PAST, nothing)
        self._said = 0

    def step(self, tokens: Sequence[int]) -> _Step:
        """Feed tokens and choose the next one."""
        return self._steps(tokens, 1)[0]

    def check(self, draft: Sequence[int]) -> list[_Step]:
        """Feed all tokens of a draft in one step.

        The first token of a text is not fed with them: its values are so far from all others that
        the rounding, which depends on the greatest value, would suffer.

        Returns:
            The token chosen after each token of the draft, up to the first that differs from the
            draft.
        """
        steps = self._steps(draft, len(draft))
        pairs = enumerate(zip(steps, draft[1:], strict=False))
        right = next((at for at, (one, other) in pairs if one.token != other), len(draft) - 1)
        self._forget(len(draft) - 1 - right)
        return steps[: right + 1]

    def feed(self, tokens: Sequence[int], count: int) -> tuple[Floats, Floats]:
        """Feed tokens and keep their keys and values.

        Returns:
            For each of the last ``count`` tokens, the logits of the next token
            ``[1, count, vocabulary]`` and the attention to the audio
            ``[layers, heads, count, frames]``.
        """
        positions = np.arange(self._said, self._said + len(tokens))
        self._said += len(tokens)
        inputs = {
            "tokens": np.array([tokens]),
            "positions": positions[None],
            "mask": _mask(len(tokens), self._said),
            "first": np.array([len(tokens) - count]),
        }
        outputs = ["logits", *_ATTENTION, *_PRESENT]
        logits, *rest = self._decoder.run(outputs, self._encoded | self._past | inputs)
        attention, present = rest[: len(_ATTENTION)], rest[len(_ATTENTION) :]
        self._past = dict(zip(_PAST, present, strict=True))
        return logits, np.concatenate(attention)[:, :, -count:]

    def _forget(self, tokens: int) -> None:
        """Remove the keys and values of the last ``tokens`` tokens."""
        if not tokens:
            return
        self._said -= tokens
        for name, past in self._past.items():
            self._past[name] = np.ascontiguousarray(past[:, :, :-tokens])

    def _steps(self, tokens: Sequence[int], count: int) -> list[_Step]:
        logits, attention = self.feed(tokens, count)
        return [_Step(*_chosen(row), attention[:, :, at]) for at, row in enumerate(logits[0])]


def _mask(tokens: int, after: int) -> Floats:
    """Return the causal mask of the last tokens, ``[tokens, all]``."""
    hidden = np.full((tokens, after), -np.inf, np.float32)
    return np.triu(hidden, 1 + after - tokens)


def _chosen(logits: Floats) -> tuple[int, np.float32]:
    """Return the token with the largest logit and its log probability."""
    token = int(logits.argmax())
    return token, -np.log(np.exp(logits - logits[token]).sum())


def _decoded(steps: Sequence[_Step]) -> Decoded:
    ended = steps[-1].token == END
    chosen = steps[: len(steps) - ended]
    stacked = np.stack([step.attention for step in steps], axis=2)
    return Decoded(
        tuple(step.token for step in chosen),
        np.array([step.log_probability for step in chosen], np.float32),
        stacked.reshape(-1, *stacked.shape[2:]),
        ended,
    )
