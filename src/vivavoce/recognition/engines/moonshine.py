"""Moonshine engine: English speech to text with word times, on one CPU thread.

Requests are decoded one by one: the graphs quantise whole tensors on the fly, so the requests of a
batch would affect each other's rounding and thereby their texts.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from vivavoce.recognition.alignment import token_frames
from vivavoce.recognition.catalogue import Model
from vivavoce.recognition.closing import closing, is_small
from vivavoce.recognition.contract import (
    SAMPLE_RATE,
    Capabilities,
    DecodeRequest,
    Hypothesis,
    SpokenWord,
)
from vivavoce.recognition.engines import moonshine_context as context
from vivavoce.recognition.engines.moonshine_model import (
    FRAME,
    FRAME_REACH,
    Decoded,
    MoonshineModel,
)
from vivavoce.recognition.engines.moonshine_tokens import VOCABULARY, Tokenizer, TokenWord
from vivavoce.recognition.repetition import (
    is_loop,
    loop_at_end,
    times_said,
    without_loop,
    words_said,
)
from vivavoce.recognition.request_audio import cut_where_quiet, read_audio
from vivavoce.recognition.word_times import Span, fit_to_sound

Floats = npt.NDArray[np.float32]

_NOTHING: Floats = np.zeros(0, np.float32)

_TOKENS_PER_SECOND = 6.5
_SPARE_TOKENS = 2
_LONGEST = 20 * SAMPLE_RATE
"""Most samples decoded at once: the model is made for sentences, and cost grows superlinearly."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Audio that is decoded at once; ``start`` is its first sample in the request's audio.

    ``before`` is the audio that directly precedes it, and ``prefix`` its tokens; without tokens
    it is silence. The first ``untold`` samples of ``audio`` are not part of the request, and their
    words are left out. ``draft`` are the tokens that a partial probably begins with.
    """

    start: int
    audio: Floats
    before: Floats = field(default_factory=lambda: _NOTHING)
    prefix: tuple[int, ...] = ()
    untold: int = 0
    draft: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """Result of one piece.

    Attributes:
        start: first sample of the piece in the request's audio.
        words: the words in order.
        log_probabilities: log probabilities of the words' tokens.
        loops: whether the words repeat more often than the sounds allow.
        sparse: whether there are too few tokens for the audio.
        continues: as in a hypothesis.
    """

    start: int
    words: tuple[SpokenWord, ...]
    log_probabilities: Floats
    loops: bool = False
    sparse: bool = False
    continues: bool = False

    @property
    def texts(self) -> list[str]:
        """Texts of the words."""
        return [word.text for word in self.words]

    def doubted(self, sure: float) -> bool:
        """Return whether to decode again; ``sure`` is the least sufficient mean log probability."""
        return self.sparse or self.loops or context.certainty(self.log_probabilities) < sure


def load(model: Model, folder: Path) -> "MoonshineEngine":
    """Load the engine from a model's folder."""
    tokenizer = Tokenizer.load(folder / VOCABULARY)
    return MoonshineEngine(MoonshineModel(folder), tokenizer, frozenset(model.languages))


class MoonshineEngine:
    """Decodes English; see :class:`vivavoce.recognition.contract.Engine`."""

    def __init__(
        self, model: MoonshineModel, tokenizer: Tokenizer, languages: frozenset[str]
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._english = languages == {"en"}
        self._capabilities = Capabilities(
            languages=languages,
            word_times=True,
            confidence=True,
            context=True,
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
        """Decode requests one by one; answers are in the order of the requests.

        Raises:
            ValueError: the model does not support a language, or the audio is malformed.
        """
        for request in batch:
            if request.language not in self._capabilities.languages:
                raise ValueError(f"this model does not speak {request.language!r}")
        return [self._heard(request) for request in batch]

    def _heard(self, request: DecodeRequest) -> Hypothesis:
        partial = request.purpose == "partial"
        decode = self._decode if partial else self._decode_with_care
        return _join([decode(piece) for piece in self._pieces(request)], request.language)

    def _pieces(self, request: DecodeRequest) -> list[_Piece]:
        """Return the pieces that are decoded at once; digital silence is not decoded."""
        audio, before = read_audio(request.audio), read_audio(request.context.audio)
        draft = self._tokenizer.tokens(request.draft) if request.purpose == "partial" else ()
        if not len(before) or len(before) + len(audio) > _LONGEST:
            return _cut(audio, draft)
        if not audio.any():
            return []
        untold = request.context.untold
        told, again = np.split(before, [len(before) - untold])
        prefix = self._tokenizer.tokens(context.prefix_text(request.context.finals))
        return [_Piece(0, np.concatenate((again, audio)), told, prefix, untold, draft)]

    def _decode_with_care(self, piece: _Piece) -> _Part:
        """Decode a piece; if the result is doubtful, also with other context."""
        if piece.prefix or piece.untold:
            return self._decode_in_context(piece)
        return self._decode_after_silence(piece) if len(piece.before) else self._decode(piece)

    def _decode_after_silence(self, piece: _Piece) -> _Part:
        """Decode a piece; if the result is doubtful, also with some of the silence before it."""
        part = self._decode(replace(piece, before=_NOTHING))
        if not part.doubted(context.SURE_ALONE):
            return part
        lengths = sorted({min(length, len(piece.before)) for length in context.SILENCES})
        others = [self._after_silence(piece, length) for length in lengths]
        return max([part, *others], key=_trust)

    def _after_silence(self, piece: _Piece, samples: int) -> _Part:
        """Decode a piece with the last ``samples`` of the silence before it."""
        longer = np.concatenate((piece.before[-samples:], piece.audio))
        return self._decode(_Piece(0, longer, untold=samples))

    def _decode_in_context(self, piece: _Piece) -> _Part:
        """Decode a piece with the speech before it; if the result is doubtful, also without."""
        part = self._decode(piece)
        if not part.doubted(context.SURE):
            return part
        alone = self._decode(_Piece(0, piece.audio[piece.untold :]))
        if _trust(alone) <= _trust(part, context.BENEFIT):
            return part
        # A text decoded alone begins like a sentence, whether or not a sentence begins there.
        small = is_small(part.texts, alone.texts)
        return replace(alone, continues=small)

    def _decode(self, piece: _Piece) -> _Part:
        """Decode a piece once."""
        audio = _at_least(FRAME_REACH, np.concatenate((piece.before, piece.audio)))
        limit = _token_limit(len(piece.audio))
        encoded = self._model.encode(audio)
        return self._part(piece, self._model.decode(encoded, limit, piece.prefix, piece.draft))

    def _after(self, piece: _Piece, decoded: Decoded) -> Decoded:
        """Remove marks that close the preceding text, and the frames before the piece."""
        first = 0
        while first < len(decoded.tokens) and context.is_mark(
            self._tokenizer.spell(decoded.tokens[first])
        ):
            first += 1
        return Decoded(
            decoded.tokens[first:],
            decoded.log_probabilities[first:],
            decoded.attention[:, first:, len(piece.before) // FRAME :],
            decoded.ended,
        )

    def _part(self, piece: _Piece, decoded: Decoded) -> _Part:
        """Return the words of one piece with their times and confidences."""
        if piece.prefix:
            decoded = self._after(piece, decoded)
        count = self._kept(decoded, piece.audio)
        words = self._tokenizer.words(decoded.tokens[:count])
        if not words:
            return _Part(piece.start, (), decoded.log_probabilities[:0], sparse=True)
        # The frames before the piece are removed; the first may begin slightly before it.
        early = len(piece.before) % FRAME
        rough = _rough_spans(words, decoded.attention, early)
        spans = fit_to_sound(rough, piece.audio)
        probabilities = np.exp(decoded.log_probabilities)
        spoken = tuple(
            SpokenWord(
                word.text,
                piece.start + start,
                piece.start + end,
                float(np.prod(probabilities[list(word.tokens)])),
            )
            for word, (start, end) in zip(words, spans, strict=True)
        )
        part = _without_untold(
            _Part(piece.start, spoken, decoded.log_probabilities[:count]), words, piece.untold
        )
        if self._english:
            part = replace(part, words=tuple(w for w in part.words if context.is_latin(w.text)))
        return _judged(part, piece.audio[piece.untold :], ended=decoded.ended)

    def _kept(self, decoded: Decoded, audio: Floats) -> int:
        """Return how many tokens to keep: a loop is kept as often as the sounds allow."""
        loop = loop_at_end(decoded.tokens)
        if loop is None:
            return len(decoded.tokens)
        before = self._tokenizer.words(decoded.tokens[: -loop.tokens])
        phrase = self._tokenizer.words(decoded.tokens[-loop.period :])
        times = times_said(loop, audio, words=len(before), phrase=len(phrase), ended=decoded.ended)
        return without_loop(decoded.tokens, times)


def _without_untold(part: _Part, words: Sequence[TokenWord], untold: int) -> _Part:
    """Return a part without its first ``untold`` samples.

    A word counts as part of the side that contains its middle.
    """
    if not untold:
        return part
    middles = [(word.start + word.end) // 2 for word in part.words]
    first = bisect_left(middles, untold)
    if first == len(words):
        return _Part(part.start, (), part.log_probabilities[:0])
    kept = tuple(
        msgspec.structs.replace(word, start=max(word.start - untold, 0), end=word.end - untold)
        for word in part.words[first:]
    )
    return _Part(part.start, kept, part.log_probabilities[words[first].tokens[0] :])


def _judged(part: _Part, audio: Floats, *, ended: bool) -> _Part:
    """Mark a part whose words are a loop or whose tokens are too few for the audio.

    A text that reached the length limit counts as a loop as well.
    """
    part = replace(part, words=part.words[: words_said(part.texts, audio)])
    sparse = context.sparse(len(part.log_probabilities), len(audio))
    return replace(part, loops=not ended or is_loop(part.texts, audio), sparse=sparse)


def _trust(part: _Part, benefit: float = 0.0) -> tuple[bool, float]:
    """Return a sort key for alternative results: loops and gaps last, then by log probability."""
    complete = not part.loops and not part.sparse
    return complete, context.certainty(part.log_probabilities) + benefit


def _cut(audio: Floats, draft: tuple[int, ...]) -> list[_Piece]:
    """Cut a request's audio into pieces that are decoded at once, without digital silence."""
    if len(audio) <= _LONGEST:
        return [_Piece(0, audio, draft=draft)] if audio.any() else []
    cuts = cut_where_quiet(audio, _LONGEST)
    spans = pairwise([0, *cuts, len(audio)])
    return [_Piece(a, audio[a:b]) for a, b in spans if audio[a:b].any()]


def _join(parts: list[_Part], language: str) -> Hypothesis:
    """Join the parts of one request into a hypothesis."""
    parts = [part for part in parts if part.words]
    words = tuple(word for part in parts for word in part.words)
    text = "".join(word.text for word in words)
    if not words:
        return Hypothesis(text, words, language, 0.0)
    log_probabilities = np.concatenate([part.log_probabilities for part in parts])
    return Hypothesis(
        text,
        words,
        language,
        float(np.exp(log_probabilities.mean())),
        carries=context.carries(len(words), log_probabilities)
        and not any(part.loops for part in parts),
        closing=closing(text, float(log_probabilities[-1])),
        continues=parts[0].continues,
    )


def _rough_spans(words: Sequence[TokenWord], attention: Floats, early: int) -> list[Span]:
    """Return the span of every word, in samples, according to the attention."""
    bounds = token_frames(attention) * FRAME - early
    return [(int(bounds[word.tokens[0]]), int(bounds[word.tokens[-1] + 1])) for word in words]


def _token_limit(samples: int) -> int:
    """Return the token limit, which is above the fastest speech of this duration."""
    return int(samples / SAMPLE_RATE * _TOKENS_PER_SECOND) + _SPARE_TOKENS


def _at_least(samples: int, audio: Floats) -> Floats:
    """Pad audio with silence to at least ``samples``."""
    return np.pad(audio, (0, max(0, samples - len(audio))))
