"""What endpointing says about one channel. Positions are samples at 16 kHz from session start."""

from typing import Literal

import msgspec

CutReason = Literal["silence", "maximum", "break", "stop"]


class SpeechStarted(msgspec.Struct, frozen=True, tag=True):
    """Speech was confirmed; it began at ``at`` and the utterance's audio begins at ``start``."""

    at: int
    start: int


class SpeechPaused(msgspec.Struct, frozen=True, tag=True):
    """Speech fell silent at ``at``; if it stays so, the utterance's audio ends at ``end``."""

    at: int
    end: int


class SpeechResumed(msgspec.Struct, frozen=True, tag=True):
    """Speech went on before the pause was long enough: what ``SpeechPaused`` foretold is void."""

    at: int


class UtteranceEnded(msgspec.Struct, frozen=True, tag=True):
    """An utterance is complete.

    Attributes:
        start: first sample of its audio (pre-roll included).
        end: end of its audio; equals the ``end`` of a ``SpeechPaused`` that was confirmed.
        speech_end: where speech ended (what ``speech_end.time`` reports).
        reason: a pause, the maximum duration (speech goes on in a new utterance), a break marker,
            or the end of the session's audio.
    """

    start: int
    end: int
    speech_end: int
    reason: CutReason


SpeechEvent = SpeechStarted | SpeechPaused | SpeechResumed | UtteranceEnded
