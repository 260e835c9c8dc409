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


class CheckpointError(Exception):
    """A checkpoint cannot be read: it is damaged, or another version of the server made it."""


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder[Checkpoint](Checkpoint).decode


def decode(data: bytes) -> Checkpoint:
    """A checkpoint from its bytes.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise CheckpointError("the checkpoint cannot be read") from error
