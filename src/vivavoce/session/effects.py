"""What the session core wants done."""

import msgspec

from vivavoce.protocol.messages import Message
from vivavoce.recognition.contract import Hypothesis, Purpose
from vivavoce.session.context import Earlier


class Decode(msgspec.Struct, frozen=True):
    """Turn ``[start, end)`` of a channel into text, and bring the hypothesis back.

    Positions are samples at 16 kHz from the session's start; ``speech_start`` is where speech
    began (the rest is pre-roll); ``refresh`` marks a partial that follows another; ``earlier`` is
    the speech before it that it is decoded with. With the purpose ``language`` the answer is to
    name the language, and ``language`` has no meaning. ``draft`` is what a partial probably begins
    with. ``foreseen`` marks a final whose utterance may yet go on: the same is decoded, but it may
    turn out that nobody wants it.
    """

    channel: int
    utterance: int
    start: int
    end: int
    speech_start: int
    purpose: Purpose
    refresh: bool = False
    earlier: Earlier | None = None
    language: str = ""
    draft: str = ""
    foreseen: bool = False


class Confirm(msgspec.Struct, frozen=True):
    """The utterance of a foreseen final has ended as foreseen: the answer is a final.

    ``hypothesis`` is that answer, if it has come already.
    """

    request: Decode
    hypothesis: Hypothesis | None


class Abandon(msgspec.Struct, frozen=True):
    """The utterance of a foreseen final goes on: nobody wants the answer."""

    request: Decode


class Tell(msgspec.Struct, frozen=True):
    """A message that must reach its readers: it is journaled before anybody sees it."""

    message: Message


class Show(msgspec.Struct, frozen=True):
    """A message for whoever looks now; it may be dropped and is not kept."""

    message: Message


Ask = Decode | Confirm | Abandon
Effect = Ask | Tell | Show
