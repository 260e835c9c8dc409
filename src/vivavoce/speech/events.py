"""Endpointing events of one channel. Positions are samples at 16 kHz from session start."""

from typing import Literal

import msgspec

CutReason = Literal["silence", "maximum", "break", "stop"]


class SpeechStarted(msgspec.Struct, frozen=True, tag=True):
    """Speech was confirmed; it began at ``at`` and the utterance's audio begins at ``start``."""

    at: int
    start: int


class SpeechPaused(msgspec.Struct, frozen=True, tag=True):
    """Speech paused at ``at``; if silence continues, the utterance's audio ends at ``end``."""

    at: int
    end: int


class SpeechResumed(msgspec.Struct, frozen=True, tag=True):
    """Speech resumed before the pause was long enough: the ``SpeechPaused`` prediction is void."""

    at: int


class UtteranceEnded(msgspec.Struct, frozen=True, tag=True):
    """An utterance is complete.

    Attributes:
        start: first sample of its audio (pre-roll included).
        end: end of its audio; equals the ``end`` of a confirmed ``SpeechPaused``.
        speech_end: end of the speech (reported as ``speech_end.time``).
        reason: a pause, the maximum duration (speech continues in a new utterance), a break
            marker, or the end of the session's audio.
    """

    start: int
    end: int
    speech_end: int
    reason: CutReason


SpeechEvent = SpeechStarted | SpeechPaused | SpeechResumed | UtteranceEnded
