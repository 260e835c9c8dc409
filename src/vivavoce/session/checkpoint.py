"""Session checkpoints: the state to resume a session exactly, one value encoded with msgpack."""

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
        heard: samples processed; those past the last whole window are stored in ``voices``.
        header_bytes: length of the client's WAV header; None while it is unknown.
        delivered: number of the last message that the client had certainly received.
    """

    stage: Stage
    core: CoreState
    voices: tuple[VoiceState, ...]
    heard: int
    header_bytes: int | None
    delivered: int = 0


class CheckpointError(Exception):
    """A checkpoint cannot be read: it is damaged, or written by another server version."""


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder[Checkpoint](Checkpoint).decode


def decode(data: bytes) -> Checkpoint:
    """Decode a checkpoint.

    Raises:
        CheckpointError: the checkpoint cannot be read.
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise CheckpointError("the checkpoint cannot be read") from error
