"""Decoding of finals: with earlier speech as context, and again if the result looks wrong.

The measurements behind the thresholds: docs/decisions/0006-whisper.md.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.closing import is_small
from vivavoce.recognition.contract import SAMPLE_RATE, Context
from vivavoce.recognition.engines.whisper_listening import Listener, Manner, Take, token_limit
from vivavoce.recognition.engines.whisper_model import LONGEST_FRAMES, LONGEST_SAMPLES, MOST_TOKENS
from vivavoce.recognition.repetition import compressibility, fits
from vivavoce.recognition.request_audio import read_audio

Floats = npt.NDArray[np.float32]

BEAMS = 5
"""Beam size: clearly better than one outside English, at little cost beside the encoder."""

_MOST_COMPRESSIBLE = 2.4
"""Greatest compression ratio of spoken text; the value that Whisper's authors use."""

_WEAK = -0.7
"""Mean log probability below which a text decoded with context is not trusted."""
_SPARSE = 1.0
"""Tokens per second below which such a text is probably incomplete."""

_SILENT = 0.6
_MADE_UP = -1.0
"""A text is made up if the model's probability of silence is above the first value and the mean
log probability of its tokens is below the second: the values of Whisper's authors. Both must hold,
because the model occasionally takes clear speech for silence. The session weighs the result of
voice activity detection (``vivavoce.session.evidence``)."""

_CLOSING = " .,!?;:…。、！？，；：।؟،"  # noqa: RUF001 - punctuation of other scripts is intended


class CarefulListener:
    """Decodes finals. The result is a pure function of the arguments."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def hear(self, audio: Floats, language: str, context: Context) -> Take:
        """Decode a final, first with the context if there is one, and return the best take."""
        take = self._in_context(audio, language, context)
        if take and not says_nothing(take) and not self._is_weak(take, audio, language):
            return take
        alone = self._alone(audio, language)
        better = self._better(take, alone, audio, language)
        # The probability of silence comes from the audio alone: after earlier texts the model
        # takes clear speech for silence.
        judged = replace(better, no_speech=alone.no_speech)
        if says_nothing(judged):
            return better.nothing()
        if take is None or better is not alone:
            return better
        return replace(alone, continues=self._is_small(take, alone, language))

    def _is_small(self, contextual: Take, alone: Take, language: str) -> bool:
        """Return whether the first word is lower case when decoded with context."""
        texts = [
            [word.text for word in self._listener.words(take, language)]
            for take in (contextual, alone)
        ]
        return is_small(*texts)

    def _alone(self, audio: Floats, language: str) -> Take:
        """Decode the audio alone, and again padded to the full 30 s if the result looks wrong."""
        manner = Manner(language, BEAMS)
        (take,) = self._listener.hear([audio], manner)
        if self._looks_wrong(take, audio, language):
            (take,) = self._listener.hear([audio], replace(manner, frames=LONGEST_FRAMES))
        return self._listener.without_loop(take, audio, language)

    def _in_context(self, audio: Floats, language: str, context: Context) -> Take | None:
        """Decode after the earlier speech and its texts; None if the context cannot be used."""
        text = "".join(context.finals).rstrip(_CLOSING)
        before = read_audio(context.audio)
        if context.untold or not text or not before.any():
            return None
        if compressibility(text) > _MOST_COMPRESSIBLE:
            return None
        forced = self._listener.encode_text(text)
        whole = np.concatenate((before, audio))
        if len(whole) > LONGEST_SAMPLES or len(forced) + token_limit(audio) > MOST_TOKENS:
            return None
        (take,) = self._listener.hear([whole], Manner(language, BEAMS, forced=forced))
        take = self._listener.without_closing_marks(take).earlier(len(before))
        return self._listener.without_loop(take, audio, language)

    def _is_weak(self, take: Take, audio: Floats, language: str) -> bool:
        """Return whether the earlier texts may have misled the decoder."""
        sparse = len(take.tokens) < _SPARSE * len(audio) / SAMPLE_RATE
        return sparse or take.certainty < _WEAK or self._looks_wrong(take, audio, language)

    def _looks_wrong(self, take: Take, audio: Floats, language: str) -> bool:
        """Return whether the decoder looped or reached the length limit.

        A repetition with a sound for each word is speech.
        """
        if not take.ended:
            return True
        words = self._listener.words(take, language)
        text = "".join(word.text for word in words)
        return compressibility(text) > _MOST_COMPRESSIBLE and not fits(len(words), audio)

    def _better(self, contextual: Take | None, alone: Take, audio: Floats, language: str) -> Take:
        """Return the more probable take, unless it looks wrong or has no text."""
        if contextual is None or not contextual.tokens:
            return alone
        if self._looks_wrong(contextual, audio, language):
            return alone
        if not alone.tokens or contextual.certainty >= alone.certainty:
            return contextual
        return alone


def says_nothing(take: Take) -> bool:
    """Return whether a text was made up for audio without speech."""
    return take.no_speech > _SILENT and take.certainty < _MADE_UP


def carries(text: str, certainty: float) -> bool:
    """Return whether a text with this mean log probability may be context for later speech."""
    return certainty >= _WEAK and compressibility(text) <= _MOST_COMPRESSIBLE
