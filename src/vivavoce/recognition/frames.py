"""Protocol between the pool and a worker process: length-prefixed msgpack values.

The pool begins with an ``EngineSpec``; the worker answers ``Ready`` or ``Refused``. From then on
it answers each ``Decode`` with a ``Begun`` and a ``Decoded``. There are no other messages.
"""

import re
from typing import Any, BinaryIO

import msgspec

from vivavoce.recognition.contract import Capabilities, DecodeRequest

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 64 * 1024 * 1024
"""Largest payload; four spans of a minute with context take a third of it."""

_LOADER = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class EngineSpec(msgspec.Struct, frozen=True, tag=True):
    """The engine that a worker loads.

    Attributes:
        loader: ``package.module:function``; the function returns an ``Engine``.
        arguments: keyword arguments of the function, plain data.
        memory_mb: approximate megabytes that a process with the engine takes.

    Raises:
        ValueError: the loader is not of that form.
    """

    loader: str
    arguments: dict[str, Any] = {}
    memory_mb: int = 0

    def __post_init__(self) -> None:
        if not _LOADER.fullmatch(self.loader):
            raise ValueError(f"loader must be package.module:function, not {self.loader!r}")


class Decode(msgspec.Struct, frozen=True, tag=True):
    """Decode these requests as one batch."""

    requests: tuple[DecodeRequest, ...]


class Begun(msgspec.Struct, frozen=True, tag=True):
    """The worker has read its batch, which may be the cause if it is lost from now on."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The engine is loaded and warm; the process has ``resident_bytes`` of memory."""

    capabilities: Capabilities
    resident_bytes: int = 0


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The engine could not be loaded; the worker exits."""

    error: str


class Answer(msgspec.Struct, frozen=True):
    """Result of one request: an encoded, not yet validated hypothesis, or an error.

    ``hypothesis`` stays encoded, so that a malformed answer does not affect the others.
    """

    hypothesis: bytes = b""
    error: str = ""


class Decoded(msgspec.Struct, frozen=True, tag=True):
    """One answer per request, in order, their CPU time, and the current resident memory."""

    answers: tuple[Answer, ...]
    cpu_seconds: float
    resident_bytes: int = 0


ToWorker = EngineSpec | Decode
FromWorker = Ready | Refused | Begun | Decoded


class FrameError(Exception):
    """The peer violates the protocol, or the stream ended inside a frame."""


def pack(message: ToWorker | FromWorker) -> bytes:
    """Encode a message with its length in front.

    Raises:
        FrameError: the payload is longer than ``MAX_FRAME_BYTES``.
        TypeError: the message contains something that is not plain data.
    """
    payload = msgspec.msgpack.encode(message)
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes is over the limit")
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def payload_length(header: bytes) -> int:
    """Return the number of payload bytes that follow a frame's first ``LENGTH_BYTES``.

    Raises:
        FrameError: the length is over the limit, so this is not a header.
    """
    length = int.from_bytes(header, "big")
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes is over the limit")
    return length


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one payload; ``None`` at the end of the stream.

    Raises:
        FrameError: the stream ended inside a frame, or the length is over the limit.
    """
    header = stream.read(LENGTH_BYTES)
    if not header:
        return None
    length = payload_length(header)
    payload = stream.read(length)
    if len(header) < LENGTH_BYTES or len(payload) < length:
        raise FrameError("the stream ended inside a frame")
    return payload
