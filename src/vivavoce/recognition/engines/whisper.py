"""Whisper engine: speech to text and language identification for a hundred languages.

Finals are decoded one by one with a beam of five, and a result that looks like a decoder failure
is decoded again. Partials are batched and decoded once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.catalogue import Model
from vivavoce.recognition.closing import closing
from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    Capabilities,
    Context,
    DecodeRequest,
    Hypothesis,
    SpokenWord,
)
from vivavoce.recognition.engines.whisper_care import CarefulListener, carries, says_nothing
from vivavoce.recognition.engines.whisper_listening import Listener, Manner, Take
from vivavoce.recognition.engines.whisper_model import LONGEST_SAMPLES, WhisperModel
from vivavoce.recognition.engines.whisper_tokens import WhisperTokenizer
from vivavoce.recognition.engines.whisper_words import TokenWord
from vivavoce.recognition.request_audio import cut_where_quiet, read_audio
from vivavoce.recognition.word_times import Span, fit_to_sound

Floats = npt.NDArray[np.float32]

_MAX_BATCH = 4
_SHORTEST = SAMPLE_RATE // 10
"""Shortest audio that can contain a word, in samples."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Audio that is decoded at once; ``start`` is its first sample in the request's audio."""

    request: int
    start: int
    audio: Floats


@dataclass(frozen=True, slots=True)
class _Part:
    """Result of one piece; ``continues`` as in a hypothesis."""

    start: int
    words: tuple[SpokenWord, ...]
    log_probabilities: Floats
    continues: bool = False


def load(model: Model, folder: Path) -> "WhisperEngine":
    """Load the engine from a model's folder; a model without a list of languages supports all.

    The model's options are ``device`` (``cpu`` or ``cuda``) and ``compute_type``.
    """
    options = model.options
    loaded = WhisperModel(folder, options.get("device", "cpu"), options.get("compute_type"))
    listener = Listener(loaded, WhisperTokenizer.load(folder))
    return WhisperEngine(listener, frozenset(model.languages) or listener.languages)


class WhisperEngine:
    """Decodes many languages; see :class:`vivavoce.recognition.contract.Engine`."""

    def __init__(self, listener: Listener, languages: frozenset[str]) -> None:
        self._listener = listener
        self._careful = CarefulListener(listener)
        self._capabilities = Capabilities(
            languages=languages & listener.languages,
            word_times=True,
            confidence=True,
            context=True,
            max_batch=_MAX_BATCH,
            identifies_languages=listener.identifies_languages,
        )

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
        """Answer requests of similar length; answers are in the order of the requests.

        Raises:
            ValueError: the model does not support a language, or the audio is malformed.
        """
        for request in batch:
            self._check(request)
        heard: list[list[_Part]] = [[] for _ in batch]
        for group in _groups(batch):
            for piece, part in zip(group, self._hear(group, batch), strict=True):
                heard[piece.request].append(part)
        return [
            self._identify(request)
            if request.purpose == "language"
            else _join(parts, request.language)
            for request, parts in zip(batch, heard, strict=True)
        ]

    def _check(self, request: DecodeRequest) -> None:
        known = self._capabilities.languages
        if request.purpose == "language":
            if not self._capabilities.identifies_languages:
                raise ValueError("this model cannot tell languages apart")
            if request.languages and not known.intersection(request.languages):
                raise ValueError(f"this model knows none of {', '.join(request.languages)}")
        elif request.language not in known:
            raise ValueError(f"this model does not know {request.language!r}")

    def _identify(self, request: DecodeRequest) -> Hypothesis:
        """Return the most probable candidate language and its share of their probability."""
        audio = read_audio(request.audio)[request.speech_start :][:LONGEST_SAMPLES]
        known = self._capabilities.languages
        candidates = [each for each in request.languages if each in known] or sorted(known)
        found = self._listener.languages_of(audio)
        likeliest = max(candidates, key=found.__getitem__)
        total = sum(found[candidate] for candidate in candidates)
        probability = found[likeliest] / total if total else 1 / len(candidates)
        return Hypothesis("", (), likeliest, probability)

    def _hear(self, group: Sequence[_Piece], batch: Sequence[DecodeRequest]) -> list[_Part]:
        """Decode pieces together: one of a final, or several of partials in one language."""
        request = batch[group[0].request]
        if request.purpose == "final":
            (piece,) = group
            context = request.context if piece.start == 0 else Context()
            takes = [self._careful.hear(piece.audio, request.language, context)]
        else:
            takes = self._listener.hear(
                [piece.audio for piece in group], Manner(request.language, beams=1)
            )
            takes = [
                take.nothing()
                if says_nothing(take)
                else self._listener.without_loop(take, piece.audio, request.language)
                for piece, take in zip(group, takes, strict=True)
            ]
        return [
            self._part(piece, take, request.language)
            for piece, take in zip(group, takes, strict=True)
        ]

    def _part(self, piece: _Piece, take: Take, language: str) -> _Part:
        """Return the words of one piece with their times and confidences."""
        words = self._listener.words(take, language)
        if not words:
            return _Part(piece.start, (), take.probabilities[:0])
        spans = fit_to_sound(_rough_spans(words, take), piece.audio)
        spoken = tuple(
            SpokenWord(
                word.text,
                piece.start + start,
                piece.start + end,
                float(np.prod(take.probabilities[list(word.tokens)])),
            )
            for word, (start, end) in zip(words, spans, strict=True)
        )
        certainties = np.log(np.maximum(take.probabilities, 1e-10))
        return _Part(piece.start, spoken, certainties, take.continues)


def _groups(batch: Sequence[DecodeRequest]) -> list[list[_Piece]]:
    """Return groups to decode together: finals alone, partials by language and similar length."""
    alone: list[list[_Piece]] = []
    shared: list[tuple[str, int, _Piece]] = []
    for index, request in enumerate(batch):
        for piece in _pieces(index, request):
            if request.purpose == "final":
                alone.append([piece])
            else:
                shared.append((request.language, len(piece.audio), piece))
    shared.sort(key=lambda entry: entry[:2])
    for _, entries in groupby(shared, key=lambda entry: entry[0]):
        pieces = [piece for *_, piece in entries]
        alone += [pieces[at : at + _MAX_BATCH] for at in range(0, len(pieces), _MAX_BATCH)]
    return alone


def _pieces(index: int, request: DecodeRequest) -> list[_Piece]:
    """Cut a request's audio into pieces that are decoded at once, without digital silence."""
    if request.purpose == "language":
        return []
    audio = read_audio(request.audio)
    cuts = cut_where_quiet(audio, LONGEST_SAMPLES)
    spans = pairwise([0, *cuts, len(audio)])
    return [
        _Piece(index, a, audio[a:b]) for a, b in spans if b - a >= _SHORTEST and audio[a:b].any()
    ]


def _join(parts: list[_Part], language: str) -> Hypothesis:
    """Join the parts of one request into a hypothesis."""
    parts = sorted((part for part in parts if part.words), key=lambda part: part.start)
    words = tuple(word for part in parts for word in part.words)
    text = "".join(word.text for word in words)
    if not words:
        return Hypothesis(text, words, language, 0.0)
    certainty = float(np.concatenate([part.log_probabilities for part in parts]).mean())
    confidence = float(np.exp(certainty))
    return Hypothesis(
        text,
        words,
        language,
        confidence,
        carries=carries(text, certainty),
        closing=closing(text, float(parts[-1].log_probabilities[-1])),
        continues=parts[0].continues,
    )


def _rough_spans(words: Sequence[TokenWord], take: Take) -> list[Span]:
    """Return the span of every word, in samples, according to the attention."""
    return [
        (int(take.bounds[word.tokens[0]]), int(take.bounds[word.tokens[-1] + 1])) for word in words
    ]
