"""The utterances of a channel: the open one, and ended ones without a final."""

import msgspec

from vivavoce.session.evidence import Voice
from vivavoce.session.language import Guess


class OpenUtterance(msgspec.Struct, frozen=True):
    """An utterance still being spoken: its number, first sample, and where speech itself began.

    The ``quiet`` samples directly before ``start`` contain no certain speech. ``voice`` summarises
    the voice activity so far.
    """

    number: int
    start: int
    speech_start: int
    quiet: int = 0
    voice: Voice = Voice()


class EndedUtterance(msgspec.Struct, frozen=True):
    """An ended utterance whose final is not emitted yet; ``[start, end)`` is its audio.

    Attributes:
        at: the sample at which its end was detected; it orders the channels' utterances.
        guess: the guess of its language; None until it is known, or if none is needed.
        language: the language to decode it in, once decided.
        goes_on: whether it was cut at the maximum duration and speech continues.
        last: whether the audio ended with it.
        quiet: samples directly before ``start`` without certain speech.
        voice: summary of its voice activity.
    """

    number: int
    start: int
    end: int
    speech_start: int
    at: int
    guess: Guess | None = None
    language: str | None = None
    goes_on: bool = False
    last: bool = False
    quiet: int = 0
    voice: Voice = Voice()
