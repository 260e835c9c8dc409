"""Engine for sherpa-onnx: all model families of its offline and streaming recognisers.

Every request is decoded alone. A model may quantise whole tensors on the fly, so that the requests
of a batch would change each other's answers (docs/decisions/0004), and a streaming model must
process its chunks in the same way whether or not a partial was requested in between.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vivavoce.inference import import_sherpa
from vivavoce.recognition.catalogue import Model
from vivavoce.recognition.contract import SAMPLE_RATE, Capabilities, DecodeRequest, Hypothesis
from vivavoce.recognition.engines.sherpa_families import Family, arguments, find_family
from vivavoce.recognition.engines.sherpa_streams import Stream, Streams
from vivavoce.recognition.engines.sherpa_words import Heard, hypothesis
from vivavoce.recognition.model_errors import CatalogueError
from vivavoce.recognition.request_audio import Floats, read_audio

_TAIL = np.zeros(int(0.66 * SAMPLE_RATE), np.float32)
"""Silence after the end, which flushes the output that a streaming model holds back."""
_SHORTEST = int(0.1 * SAMPLE_RATE)
"""Fewest samples from which every model can compute features."""
_LANGUAGES_LOADED = 2
"""Number of languages for which a model that takes its language on loading is kept in memory."""


def load(model: Model, folder: Path) -> "SherpaEngine":
    """Load a model of any family.

    Args:
        model: ``options`` may hold ``family``, ``streaming``, ``files`` (role → name),
            ``arguments`` of the constructor, ``word_times`` and ``punctuates``.
        folder: the folder of its files.

    Raises:
        CatalogueError: the model's options and files do not match.
    """
    if not model.languages:
        raise CatalogueError(f"sherpa: say which languages {model.id} speaks")
    family = find_family(model.options, folder)
    given = arguments(family, model.options, folder)
    capabilities = Capabilities(
        languages=frozenset(model.languages),
        streaming=family.streaming,
        word_times=model.options.get("word_times", not family.punctuates),
        confidence=model.options.get("confidence", family.name == "transducer"),
        punctuates=model.options.get("punctuates", family.punctuates),
    )
    open_for = _opener(family, given)
    kind = _Streaming if family.streaming else _Offline
    return SherpaEngine(capabilities, kind(open_for))


class SherpaEngine:
    """Decodes with sherpa-onnx; see :class:`vivavoce.recognition.contract.Engine`."""

    def __init__(self, capabilities: Capabilities, hearing: "_Offline | _Streaming") -> None:
        self._capabilities = capabilities
        self._hearing = hearing

    @property
    def capabilities(self) -> Capabilities:
        """Capabilities of this engine."""
        return self._capabilities

    def warm_up(self) -> None:
        """Decode a second of faint noise."""
        noise = np.random.default_rng(0).normal(0, 1e-3, SAMPLE_RATE).astype("<f4")
        language = min(self._capabilities.languages)
        self.decode([DecodeRequest(noise.tobytes(), "final", language)])

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode requests; answers are in the order of the requests.

        Raises:
            ValueError: the model does not support a language, or the audio is malformed.
        """
        return [self._decode(request) for request in batch]

    def _decode(self, request: DecodeRequest) -> Hypothesis:
        if request.language not in self._capabilities.languages:
            raise ValueError(f"this model does not speak {request.language!r}")
        audio = read_audio(request.audio)
        if not audio.any():  # digital silence needs no model
            return Hypothesis("", (), request.language, 0.0)
        heard = self._hearing.hear(request, audio)
        return hypothesis(heard, audio, request.language)


class _Offline:
    """Decodes each span as a whole."""

    def __init__(self, open_for: Callable[[str], Any]) -> None:
        self._open_for = open_for

    def hear(self, request: DecodeRequest, audio: Floats) -> Heard:
        recogniser = self._open_for(request.language)
        stream = recogniser.create_stream()
        lacking = max(0, _SHORTEST - len(audio))
        stream.accept_waveform(SAMPLE_RATE, np.pad(audio, (0, lacking)))
        recogniser.decode_stream(stream)
        result = stream.result
        return Heard(
            result.text,
            _tokens(result),
            tuple(result.timestamps),
            tuple(result.ys_log_probs),
            result.lang.strip("<|>"),
        )


class _Streaming:
    """Decodes growing spans incrementally."""

    def __init__(self, open_for: Callable[[str], Any]) -> None:
        self._open_for = open_for
        self._streams = Streams()

    def hear(self, request: DecodeRequest, audio: Floats) -> Heard:
        recogniser = self._open_for(request.language)
        stream = self._streams.take(request.audio) or Stream(recogniser.create_stream())
        self._feed(recogniser, stream.state, np.frombuffer(stream.hear(request.audio), "<f4"))
        if request.purpose == "partial":
            self._streams.keep(stream)
        else:
            self._feed(recogniser, stream.state, _TAIL)
            stream.state.input_finished()
            self._feed(recogniser, stream.state, audio[:0])
        result = recogniser.get_result_all(stream.state)
        return Heard(
            result.text,
            _tokens(result),
            tuple(result.timestamps),
            tuple(result.ys_probs),
        )

    @staticmethod
    def _feed(recogniser: Any, state: Any, audio: Floats) -> None:
        if len(audio):
            state.accept_waveform(SAMPLE_RATE, audio)
        while recogniser.is_ready(state):
            recogniser.decode_stream(state)


def _tokens(result: Any) -> tuple[str, ...]:
    """Return a result's tokens; none if one of them is only part of a character."""
    try:
        return tuple(result.tokens)
    except UnicodeDecodeError:
        return ()


def _opener(family: Family, given: dict[str, Any]) -> Callable[[str], Any]:
    """Return a function that opens the model for a language."""
    sherpa = import_sherpa()
    kind = sherpa.OnlineRecognizer if family.streaming else sherpa.OfflineRecognizer
    construct = getattr(kind, family.constructor)
    if family.language is None:
        recogniser = construct(**given)
        return lambda _: recogniser
    argument = family.language
    return lru_cache(_LANGUAGES_LOADED)(lambda code: construct(**{**given, argument: code}))
