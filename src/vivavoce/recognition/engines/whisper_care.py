"""How a final is heard: carefully, with one more try where the first looks wrong."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vivavoce.recognition.contract import Context
from vivavoce.recognition.engines.whisper_listening import Listener, Manner, Take
from vivavoce.recognition.engines.whisper_model import LONGEST_FRAMES
from vivavoce.recognition.repetition import compressibility

Floats = npt.NDArray[np.float32]

BEAMS = 5
"""Clearly better than one outside English, and nearly free beside the encoder."""

_MOST_COMPRESSIBLE = 2.4
"""Of text that somebody said; the value that Whisper's authors use."""


class CarefulListener:
    """Listens to finals. A pure function of its arguments."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def hear(self, audio: Floats, language: str, context: Context | None = None) -> Take:  # noqa: ARG002 - context is to come
        """Listen once, and again with the full 30 s of silence where that looks wrong."""
        manner = Manner(language, BEAMS)
        (first,) = self._listener.hear([audio], manner)
        if not self._looks_wrong(first, language):
            return first
        (second,) = self._listener.hear([audio], replace(manner, frames=LONGEST_FRAMES))
        return second.without_loop()

    def _looks_wrong(self, take: Take, language: str) -> bool:
        """Whether the decoder went round in circles, or did not come to an end."""
        text = self._listener.text(take, language)
        return not take.ended or compressibility(text) > _MOST_COMPRESSIBLE
