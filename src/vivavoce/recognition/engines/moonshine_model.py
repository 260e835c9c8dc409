"""The Moonshine graphs: audio to encoder states, encoder states to tokens, greedily.

The facts about the graphs (names, shapes, the frame arithmetic) stand here and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vivavoce.inference import Graph, open_graph

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

ENCODER = "encoder_model.ort"
DECODER = "decoder_with_attention.onnx"

LAYERS = 6
HEADS = 8
HEAD_WIDTH = 36
START, END = 1, 2

FRAME = 384
"""Samples from one encoder frame to the next (24 ms)."""
FRAME_REACH = 895
"""Samples that one frame hears; shorter audio has no frame at all."""

_ALIGNMENT_LAYERS = (3, 4, 5)
"""Their heads follow the audio most closely (docs/decisions/0004)."""

_CACHE = tuple(
    f"past_key_values.{layer}.{part}.{kind}"
    for layer in range(LAYERS)
    for part in ("decoder", "encoder")
    for kind in ("key", "value")
)
_GROWING = tuple(name for name in _CACHE if ".decoder." in name)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch of encoded audio.

    Attributes:
        states: ``[batch, frames, width]``.
        mask: ``[batch, samples]``, 1 where a sample is audio and 0 where it is padding.
    """

    states: Floats
    mask: Ints


@dataclass(frozen=True, slots=True)
class Decoded:
    """What greedy decoding gave for one audio.

    Attributes:
        tokens: chosen after the prefix, the end token left out.
        log_probabilities: of the chosen tokens, ``[tokens]``.
        attention: where they were heard, ``[heads, tokens, frames]``; one more row, that of the
            end token, when ``ended``.
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

    def encode(self, audios: Sequence[Floats]) -> Encoded:
        """Encode audio of alike lengths (each at least ``FRAME_REACH`` samples) together."""
        longest = max(map(len, audios))
        values = np.zeros((len(audios), longest), np.float32)
        mask = np.zeros((len(audios), longest), np.int64)
        for row, audio in enumerate(audios):
            values[row, : len(audio)] = audio
            mask[row, : len(audio)] = 1
        feed = {"input_values": values, "attention_mask": mask}
        return Encoded(self._encoder.run(None, feed)[0], mask)

    def decode(
        self,
        encoded: Encoded,
        limits: Sequence[int],
        prefix: Sequence[int] = (),
        draft: Sequence[int] = (),
    ) -> list[Decoded]:
        """Choose the likeliest token again and again.

        Args:
            encoded: the batch.
            limits: most tokens each audio may give.
            prefix: tokens that every text begins with; they are not part of the result.
            draft: tokens that probably follow, for a batch of one: they are checked in a single
                step. The result is the same but for rounding.
        """
        run = _Run(self._decoder, encoded)
        steps = [run.step(np.tile(np.array([[START, *prefix]]), (len(limits), 1)))]
        if draft and steps[0].tokens[0] == draft[0]:
            steps += run.check(draft[: limits[0] - 1])
        open_rows = np.array([True] * len(limits))
        while True:
            chosen = steps[-1].tokens
            open_rows &= (chosen != END) & (len(steps) < np.array(limits))
            if not open_rows.any():
                break
            steps.append(run.step(chosen[:, None]))
        return [
            _row(steps[:limit], row, frame_count(int(encoded.mask[row].sum())))
            for row, limit in enumerate(limits)
        ]


@dataclass(frozen=True, slots=True)
class _Step:
    """One token for each row of the batch.

    ``tokens`` and ``log_probabilities`` are ``[batch]``; the attention they were chosen with is
    ``[layers, batch, heads, frames]``.
    """

    tokens: Ints
    log_probabilities: Floats
    attention: Floats


class _Run:
    """One decoding of a batch: holds the cache between the steps."""

    def __init__(self, session: Graph, encoded: Encoded) -> None:
        self._session = session
        self._attention = [attention_name(layer) for layer in _ALIGNMENT_LAYERS]
        self._feed: dict[str, Any] = {
            "encoder_hidden_states": encoded.states,
            "encoder_attention_mask": encoded.mask,
            "use_cache_branch": np.array([False]),
            **empty_cache(len(encoded.states)),
        }
        self._renewed = _CACHE  # the encoder's part is computed once, by the first step

    def step(self, tokens: Ints) -> _Step:
        """Feed tokens ``[batch, n]`` and choose the next one."""
        return self._feed_tokens(tokens, 1)[0]

    def check(self, draft: Sequence[int]) -> list[_Step]:
        """Feed a draft at once, to a batch of one.

        Not together with the first token: that one is so far from all others that the rounding,
        which goes by the greatest value, would suffer.

        Returns:
            What follows each token of the draft, up to the first that is not the next one's.
        """
        steps = self._feed_tokens(np.array([draft]), len(draft))
        chosen = [int(step.tokens[0]) for step in steps]
        pairs = enumerate(zip(chosen, draft[1:], strict=False))
        right = next((at for at, (one, other) in pairs if one != other), len(draft) - 1)
        wrong = len(draft) - 1 - right
        if wrong:
            for name in _GROWING:
                self._feed[name] = np.ascontiguousarray(self._feed[name][:, :, :-wrong])
        return steps[: right + 1]

    def _feed_tokens(self, tokens: Ints, count: int) -> list[_Step]:
        """Feed tokens ``[batch, n]``; gives what follows each of the last ``count``."""
        present = [name.replace("past_key_values", "present") for name in self._renewed]
        outputs = ["logits", *self._attention, *present]
        logits, *rest = self._session.run(outputs, self._feed | {"input_ids": tokens})
        attention, cache = rest[: len(self._attention)], rest[len(self._attention) :]
        self._feed |= dict(zip(self._renewed, cache, strict=True))
        self._feed["use_cache_branch"] = np.array([True])
        self._renewed = _GROWING
        stacked = np.stack(attention)
        return [
            _Step(
                logits[:, at].argmax(-1),
                _chosen_log_probability(logits[:, at]),
                stacked[..., at, :],
            )
            for at in range(-count, 0)
        ]


def empty_cache(batch: int) -> dict[str, Floats]:
    """Return the cache before the first step."""
    nothing = np.zeros((batch, HEADS, 0, HEAD_WIDTH), np.float32)
    return dict.fromkeys(_CACHE, nothing)


def attention_name(layer: int) -> str:
    """Name of the output with a layer's cross-attention, ``[batch, heads, tokens, frames]``."""
    return f"cross_attention.{layer}"


def frame_count(samples: int) -> int:
    """Return how many frames the encoder makes of so many samples."""
    first = (samples - 127) // 64 + 1
    second = (first - 7) // 3 + 1
    return (second - 3) // 2 + 1


def _chosen_log_probability(logits: Floats) -> Floats:
    """Log-softmax of the largest logit of every row."""
    top = logits.max(-1, keepdims=True)
    total: Floats = -np.log(np.exp(logits - top).sum(-1))
    return total


def _row(steps: Sequence[_Step], row: int, frames: int) -> Decoded:
    """Read one audio's tokens out of the batch's steps."""
    chosen = [int(step.tokens[row]) for step in steps]
    ended = END in chosen
    count = chosen.index(END) if ended else len(chosen)
    rows = [step.attention[:, row, :, :frames] for step in steps[: count + ended]]
    stacked = np.stack(rows, axis=2)  # [layers, heads, tokens, frames]
    return Decoded(
        tuple(chosen[:count]),
        np.array([step.log_probabilities[row] for step in steps[:count]], np.float32),
        stacked.reshape(-1, *stacked.shape[2:]),
        ended,
    )
