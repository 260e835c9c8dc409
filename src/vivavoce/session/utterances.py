"""The utterances of a channel: the one that is being spoken, and those whose finals are due."""

import msgspec

from vivavoce.session.evidence import Voice
from vivavoce.session.language import Guess


class OpenUtterance(msgspec.Struct, frozen=True):
    """Speech that goes on: its number, first sample, and where speech itself began.

    In the ``quiet`` samples right before ``start`` nobody speaks, or nobody is sure of it.
    ``voice`` is what voice activity found in it so far.
    """

    number: int
    start: int
    speech_start: int
    quiet: int = 0
    voice: Voice = Voice()


class EndedUtterance(msgspec.Struct, frozen=True):
    """Speech that has ended and whose final is not out yet; ``[start, end)`` is its audio.

    Attributes:
        at: the sample at which it was known to have ended; it orders the channels' utterances.
        guess: what its language was taken for; None while that is asked, or needs no asking.
        language: what it is decoded in, once that is decided.
        goes_on: it was cut at the maximum duration, and the speaker speaks on.
        last: the audio ended with it.
        quiet: samples right before ``start`` in which nobody speaks.
        voice: what voice activity found in it.
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
