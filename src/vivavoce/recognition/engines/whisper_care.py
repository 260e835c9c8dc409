"""How a final is heard: with what was said before, and once more where that looks wrong.

The figures behind every threshold: docs/decisions/0006-whisper.md.
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
"""Clearly better than one outside English, and nearly free beside the encoder."""

_MOST_COMPRESSIBLE = 2.4
"""Of text that somebody said; the value that Whisper's authors use."""

_WEAK = -0.7
"""Mean log probability under which a text that leans on earlier ones is not trusted."""
_SPARSE = 1.0
"""Tokens per second under which such a text has probably left something out."""

_SILENT = 0.6
_MADE_UP = -1.0
"""A text is made up if the model takes the audio for silence with more than the first probability,
and its tokens have a mean log probability under the second: the values of Whisper's authors. Both
must hold, for the model takes clear speech for silence now and then. What voice activity heard is
weighed by the session (``vivavoce.session.evidence``)."""

_CLOSING = " .,!?;:…。、！？，；：।؟،"  # noqa: RUF001 - other scripts' punctuation is meant


class CarefulListener:
    """Listens to finals. A pure function of its arguments."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def hear(self, audio: Floats, language: str, context: Context) -> Take:
        """Listen, with the context first if there is one, and tell what holds."""
        take = self._in_context(audio, language, context)
        if take and not says_nothing(take) and not self._is_weak(take, audio, language):
            return take
        alone = self._alone(audio, language)
        better = self._better(take, alone, audio, language)
        # Whether anybody speaks is asked of the audio by itself: after earlier texts the model
        # takes clear speech for silence.
        judged = replace(better, no_speech=alone.no_speech)
        if says_nothing(judged):
            return better.nothing()
        if take is None or better is not alone:
            return better
        return replace(alone, continues=self._is_small(take, alone, language))

    def _is_small(self, contextual: Take, alone: Take, language: str) -> bool:
        """Whether the first word of what is heard alone is small after what was said before."""
        texts = [
            [word.text for word in self._listener.words(take, language)]
            for take in (contextual, alone)
        ]
        return is_small(*texts)

    def _alone(self, audio: Floats, language: str) -> Take:
        """Listen to the audio by itself, and with the full 30 s of silence if that looks wrong."""
        manner = Manner(language, BEAMS)
        (take,) = self._listener.hear([audio], manner)
        if self._looks_wrong(take, audio, language):
            (take,) = self._listener.hear([audio], replace(manner, frames=LONGEST_FRAMES))
        return self._listener.without_loop(take, audio, language)

    def _in_context(self, audio: Floats, language: str, context: Context) -> Take | None:
        """Listen to earlier speech and this, the earlier texts given; None where that cannot be."""
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
        """Whether the earlier texts may have led the decoder astray."""
        sparse = len(take.tokens) < _SPARSE * len(audio) / SAMPLE_RATE
        return sparse or take.certainty < _WEAK or self._looks_wrong(take, audio, language)

    def _looks_wrong(self, take: Take, audio: Floats, language: str) -> bool:
        """Whether the decoder went round in circles, or did not come to an end.

        A repetition with a sound for each word is speech.
        """
        if not take.ended:
            return True
        words = self._listener.words(take, language)
        text = "".join(word.text for word in words)
        return compressibility(text) > _MOST_COMPRESSIBLE and not fits(len(words), audio)

    def _better(self, contextual: Take | None, alone: Take, audio: Floats, language: str) -> Take:
        """The likelier of two, unless it looks wrong or says nothing."""
        if contextual is None or not contextual.tokens:
            return alone
        if self._looks_wrong(contextual, audio, language):
            return alone
        if not alone.tokens or contextual.certainty >= alone.certainty:
            return contextual
        return alone


def says_nothing(take: Take) -> bool:
    """Whether a text was made up where nobody speaks."""
    return take.no_speech > _SILENT and take.certainty < _MADE_UP


def carries(text: str, certainty: float) -> bool:
    """Whether what follows may be decoded with a text of this mean log probability."""
    return certainty >= _WEAK and compressibility(text) <= _MOST_COMPRESSIBLE
