"""What the journal keeps so that a session can go on exactly: one value, encoded with msgpack."""

from typing import Literal

import msgspec

from vivavoce.session.core import CoreState
from vivavoce.speech.silero import VoiceState

Stage = Literal["live", "ended", "archived"]


class Checkpoint(msgspec.Struct, frozen=True):
    """State after the messages committed with it.

    Attributes:
        stage: ``live`` while finals are outstanding; ``ended`` once the closing messages are
            committed; ``archived`` once result and recording are stored.
        core: the session core's state.
        voices: voice activity state of each channel, after ``heard`` samples.
        heard: samples taken in; those past the last whole window stand in ``voices``.
        header_bytes: length of the WAV header that the client sent; None while undecided.
        delivered: number of the last message that the client had for certain by then.
    """

    stage: Stage
    core: CoreState
    voices: tuple[VoiceState, ...]
    heard: int
    header_bytes: int | None
    delivered: int = 0


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder[Checkpoint](Checkpoint).decode
