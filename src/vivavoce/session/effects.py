"""Effects: the requests and messages that the session core returns."""

import msgspec

from vivavoce.protocol.messages import Message
from vivavoce.recognition.contract import Hypothesis, Purpose
from vivavoce.session.context import Earlier


class Decode(msgspec.Struct, frozen=True):
    """Decode ``[start, end)`` of a channel and return the hypothesis to the core.

    Positions are samples at 16 kHz from the session's start; ``speech_start`` is where speech
    began (the audio before it is pre-roll); ``refresh`` marks a partial that follows another;
    ``earlier`` is the context to decode with. With the purpose ``language`` the answer names the
    language, and the ``language`` field is ignored. ``draft`` is the probable beginning of a
    partial. ``foreseen`` marks a speculative final, whose utterance may still continue: it is
    decoded like any final, but its answer may be discarded.
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
    """Use a speculative final, because its utterance has ended where it predicted.

    ``hypothesis`` is its answer, if that has arrived already.
    """

    request: Decode
    hypothesis: Hypothesis | None


class Abandon(msgspec.Struct, frozen=True):
    """Cancel a speculative final, because its utterance continues."""

    request: Decode


class Tell(msgspec.Struct, frozen=True):
    """Emit a message that must be delivered; it is journaled before it is sent."""

    message: Message


class Show(msgspec.Struct, frozen=True):
    """Emit a transient message to current readers; it may be dropped and is not stored."""

    message: Message


Ask = Decode | Confirm | Abandon
Effect = Ask | Tell | Show
