"""Engines on sherpa-onnx: every family of models that its offline and streaming recognisers have.

Every request is decoded alone. A model may quantise whole tensors on the fly, so that its
neighbours in a batch would change its answer (docs/decisions/0004), and a streaming model must
hear its chunks in the same way whether a partial was asked for in between or not.
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
"""Silence after the end, for what a streaming model still holds back."""
_SHORTEST = int(0.1 * SAMPLE_RATE)
"""Samples that every model can make features of."""
_LANGUAGES_LOADED = 2
"""A model that takes its language when it is loaded is kept in memory for so many of them."""


def load(model: Model, folder: Path) -> "SherpaEngine":
    """Load a model of any family.

    Args:
        model: ``options`` may hold ``family``, ``streaming``, ``files`` (role → name),
            ``arguments`` of the constructor, ``word_times`` and ``punctuates``.
        folder: its files.

    Raises:
        CatalogueError: the model's options and files do not fit together.
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
        """What this engine can do."""
        return self._capabilities

    def warm_up(self) -> None:
        """Decode a second of faint noise."""
        noise = np.random.default_rng(0).normal(0, 1e-3, SAMPLE_RATE).astype("<f4")
        language = min(self._capabilities.languages)
        self.decode([DecodeRequest(noise.tobytes(), "final", language)])

    def decode(self, batch: Sequence[DecodeRequest]) -> list[Hypothesis]:
        """Decode requests; answers stand in their order.

        Raises:
            ValueError: a language the model does not speak, or audio that is no sound.
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
    """Hears each span as a whole."""

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
    """Hears spans that grow piece by piece."""

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
    """Return a result's tokens; none where one of them is part of a character."""
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
