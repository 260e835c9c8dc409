"""One decoding of some audio: tokens and their times from one pass of the encoder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import SAMPLE_RATE
from vivavoce.recognition.engines.whisper_mel import HOP, log_mel
from vivavoce.recognition.engines.whisper_model import (
    FRAME,
    LONGEST_FRAMES,
    Aligned,
    Encoded,
    Generated,
    WhisperModel,
)
from vivavoce.recognition.engines.whisper_tokens import WhisperTokenizer
from vivavoce.recognition.engines.whisper_words import TokenWord
from vivavoce.recognition.repetition import (
    loop_at_end,
    times_said,
    without_loop,
    words_said,
)

Floats = npt.NDArray[np.float32]

USUAL_FRAMES = 1000
"""Mel frames to which audio is padded with silence (10 s). With less, the decoder often fails to
end a text and repeats it; the 30 s that it was trained on cost five times as much."""
_SILENCE_AFTER = 100
"""Mel frames of silence (1 s) after longer audio."""
_LANGUAGE_SILENCE = 100
"""Mel frames of silence (1 s) after audio whose language is identified."""

_TOKENS_PER_SECOND = 8
_SPARE_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Manner:
    """Options of one decoding.

    Attributes:
        language: code of the language to decode in.
        beams: beam size.
        frames: least number of mel frames to which the audio is padded.
        forced: tokens with which the text of the audio begins.
    """

    language: str
    beams: int
    frames: int = USUAL_FRAMES
    forced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Take:
    """Result of one decoding, without the forced tokens.

    Attributes:
        tokens: tokens of the text.
        probabilities: probabilities of the tokens, ``[tokens]``.
        bounds: sample at which each token begins, and where the last ends, ``[tokens + 1]``.
        no_speech: the model's probability that the audio contains no speech.
        ended: whether the model ended the text itself; otherwise the limit did.
        continues: whether the first word is capitalised here but lower case with context.
    """

    tokens: tuple[int, ...]
    probabilities: Floats
    bounds: npt.NDArray[np.int64]
    no_speech: float
    ended: bool
    continues: bool = False

    @property
    def certainty(self) -> float:
        """Mean log probability of the tokens."""
        if not self.tokens:
            return 0.0
        return float(np.log(np.maximum(self.probabilities, 1e-10)).mean())

    def only_first(self, count: int) -> "Take":
        """Return the take with only its first ``count`` tokens."""
        return self._part(0, count)

    def without_first(self, count: int) -> "Take":
        """Return the take without its first ``count`` tokens."""
        return self._part(count, len(self.tokens))

    def nothing(self) -> "Take":
        """Return the take without any text."""
        return self._part(0, 0)

    def earlier(self, samples: int) -> "Take":
        """Return the take with its times moved earlier by ``samples``."""
        return replace(self, bounds=self.bounds - samples)

    def _part(self, first: int, end: int) -> "Take":
        return replace(
            self,
            tokens=self.tokens[first:end],
            probabilities=self.probabilities[first:end],
            bounds=self.bounds[first : end + 1],
        )


class Listener:
    """A model together with its vocabulary."""

    def __init__(self, model: WhisperModel, tokenizer: WhisperTokenizer) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.languages = tokenizer.languages if model.multilingual else frozenset({"en"})

    @property
    def identifies_languages(self) -> bool:
        """Whether the model supports language identification."""
        return self._model.multilingual

    def hear(self, audios: Sequence[Floats], manner: Manner) -> list[Take]:
        """Decode several audios of similar length with the same options."""
        encoded = self._encode(audios, max(manner.frames, *map(frames_of, audios)))
        language = manner.language if self._model.multilingual else None
        start = self._tokenizer.start(language)
        before = [*self._tokenizer.manner(language), *start]
        limit = max(map(token_limit, audios))
        generated = self._model.generate(
            encoded,
            [[*before, *manner.forced]] * len(audios),
            forced=len(manner.forced),
            limit=limit,
            beams=manner.beams,
        )
        aligned = self._align(encoded, start, generated, audios, manner.forced)
        return [
            Take(
                tokens=written.tokens,
                probabilities=place.probabilities,
                bounds=place.bounds * FRAME,
                no_speech=written.no_speech,
                ended=len(written.tokens) < limit,
            )
            for written, place in zip(generated, aligned, strict=True)
        ]

    def words(self, take: Take, language: str) -> tuple[TokenWord, ...]:
        """Return the words of a take."""
        return self._tokenizer.words(take.tokens, language)

    def text(self, take: Take, language: str) -> str:
        """Return the text of a take."""
        return "".join(word.text for word in self.words(take, language))

    def without_loop(self, take: Take, audio: Floats, language: str) -> Take:
        """Return a take whose repetition is kept as often as the sounds allow."""
        words = self.words(take, language)
        if (said := words_said([word.text for word in words], audio)) < len(words):
            return take.only_first(words[said].tokens[0])
        loop = loop_at_end(take.tokens)
        if loop is None:
            return take
        before = self._tokenizer.words(take.tokens[: -loop.tokens], language)
        phrase = self._tokenizer.words(take.tokens[-loop.period :], language)
        times = times_said(loop, audio, words=len(before), phrase=len(phrase), ended=take.ended)
        return take.only_first(without_loop(take.tokens, times))

    def without_closing_marks(self, take: Take) -> Take:
        """Return a take without initial marks that belong to the preceding text."""
        return take.without_first(self._tokenizer.closing_marks(take.tokens))

    def encode_text(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a text."""
        return tuple(self._tokenizer.encode(text))

    def languages_of(self, audio: Floats) -> dict[str, float]:
        """Return the probability of every language."""
        frames = min(frames_of(audio) - _SILENCE_AFTER + _LANGUAGE_SILENCE, LONGEST_FRAMES)
        return self._model.languages(self._encode([audio], frames))[0]

    def _encode(self, audios: Sequence[Floats], frames: int) -> Encoded:
        features = [log_mel(audio, self._model.bands, frames) for audio in audios]
        return self._model.encode(np.stack(features))

    def _align(
        self,
        encoded: Encoded,
        start: Sequence[int],
        generated: Sequence[Generated],
        audios: Sequence[Floats],
        forced: Sequence[int],
    ) -> list[Aligned]:
        """Return the alignment of the tokens after the forced ones; empty without tokens."""
        nothing = Aligned(np.zeros(0, np.float32), np.zeros(1, np.int64))
        if not any(each.tokens for each in generated):
            return [nothing] * len(generated)
        texts = [[*forced, *each.tokens] or [0] for each in generated]
        placed = self._model.align(encoded, start, texts, [len(audio) for audio in audios])
        count = len(forced)
        return [
            Aligned(place.probabilities[count:], place.bounds[count:]) if each.tokens else nothing
            for each, place in zip(generated, placed, strict=True)
        ]


def frames_of(audio: Floats) -> int:
    """Return the number of mel frames for audio and the silence after it."""
    return min(-(-len(audio) // HOP) + _SILENCE_AFTER, LONGEST_FRAMES)


def token_limit(audio: Floats) -> int:
    """Return the token limit, which is above the fastest speech of this duration."""
    return int(len(audio) / SAMPLE_RATE * _TOKENS_PER_SECOND) + _SPARE_TOKENS
