"""A Whisper model in CTranslate2's format: features to states, states to tokens, times, language.

All facts about the runtime are defined here. It decodes in its own thread, one per engine, because
there is a worker process for every core.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import ctranslate2
import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.engines.whisper_mel import HOP
from vivavoce.recognition.model_errors import ModelError

Floats = npt.NDArray[np.float32]
Encoded: TypeAlias = Any
"""Encoder states of a batch, on the model's device."""

FRAME = 2 * HOP
"""Samples from one encoder state to the next (20 ms)."""
LONGEST_FRAMES = 3000
"""Mel frames that the model can process at once (30 s)."""
LONGEST_SAMPLES = 28 * SAMPLE_RATE
"""Longest audio that leaves room for silence after it."""
MOST_TOKENS = 224
"""Half of the decoder's positions; the other half may hold the preceding text."""

COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}
"""The cheapest arithmetic on each device without loss of accuracy."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Output of the decoder: text tokens after the prompt, and its probability of silence."""

    tokens: tuple[int, ...]
    no_speech: float


@dataclass(frozen=True, slots=True)
class Aligned:
    """Times of tokens.

    Attributes:
        probabilities: probability of each token, ``[tokens]``.
        bounds: encoder frame at which each token begins, and where the last ends, ``[tokens + 1]``.
    """

    probabilities: Floats
    bounds: npt.NDArray[np.int64]


class WhisperModel:
    """A loaded model.

    Args:
        folder: contains ``model.bin``, ``config.json`` and the vocabulary.
        device: ``cpu`` or ``cuda``.
        compute_type: arithmetic; by default that of ``COMPUTE_TYPES``.

    Raises:
        ModelError: the device is not available, or the files are not a Whisper model of this
            format.
    """

    def __init__(self, folder: Path, device: str = "cpu", compute_type: str | None = None) -> None:
        if device == "cuda" and not ctranslate2.get_cuda_device_count():
            raise ModelError("no CUDA device was found; set the device to cpu")
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder),
                device=device,
                compute_type=compute_type or COMPUTE_TYPES.get(device, "default"),
                inter_threads=1,
                intra_threads=1,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{folder} cannot be loaded: {error}") from error

    @property
    def bands(self) -> int:
        """Number of mel bands of the model."""
        return int(self._model.n_mels)

    @property
    def multilingual(self) -> bool:
        """Whether it supports several languages and so needs a language token."""
        return bool(self._model.is_multilingual)

    def encode(self, features: Floats) -> Encoded:
        """Encode features ``[batch, bands, frames]``."""
        values = np.ascontiguousarray(features, np.float32)
        return self._model.encode(ctranslate2.StorageView.from_array(values))

    def generate(
        self,
        encoded: Encoded,
        prompts: Sequence[Sequence[int]],
        *,
        forced: int,
        limit: int,
        beams: int,
    ) -> list[Generated]:
        """Decode the most probable texts.

        Args:
            encoded: the batch.
            prompts: tokens that each text begins with, all of equal length; not part of the result.
            forced: number of tokens at the end of each prompt that are text already.
            limit: maximum number of tokens of each text after the prompt.
            beams: beam size.
        """
        most = min(forced + limit, MOST_TOKENS)
        found = self._model.generate(
            encoded,
            [list(prompt) for prompt in prompts],
            beam_size=beams,
            max_length=max(2 * most, most + len(prompts[0])),  # the runtime uses half of this
            return_no_speech_prob=True,
        )
        return [
            Generated(tuple(each.sequences_ids[0][forced:]), float(each.no_speech_prob))
            for each in found
        ]

    def align(
        self,
        encoded: Encoded,
        start: Sequence[int],
        texts: Sequence[Sequence[int]],
        samples: Sequence[int],
    ) -> list[Aligned]:
        """Find the times of the tokens of each text (at least one token) within its samples."""
        frames = [-(-count // HOP) for count in samples]
        found = self._model.align(encoded, list(start), [list(text) for text in texts], frames)
        return [_aligned(each, len(text)) for each, text in zip(found, texts, strict=True)]

    def languages(self, encoded: Encoded) -> list[dict[str, float]]:
        """Return the probability of every language for each audio of the batch."""
        found = self._model.detect_language(encoded)
        return [{token[2:-2]: probability for token, probability in each} for each in found]


def _aligned(found: Any, tokens: int) -> Aligned:
    """Convert a path of ascending token and frame pairs; the last token is the end token."""
    path = np.array(found.alignments, np.int64).reshape(-1, 2)
    bounds = np.searchsorted(path[:, 0], np.arange(tokens + 1))
    places = np.append(path[:, 1], path[-1, 1] + 1 if len(path) else 0)
    return Aligned(np.array(found.text_token_probs, np.float32), places[bounds])
