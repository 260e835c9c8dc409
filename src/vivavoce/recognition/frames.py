"""The language between the pool and a worker process: msgpack values behind a length.

The pool speaks first with an ``EngineSpec``; the worker answers ``Ready`` or ``Refused``. From
then on each ``Decode`` is answered by a ``Begun`` and a ``Decoded``. Nothing else is said.
"""

import re
from typing import Any, BinaryIO

import msgspec

from vivavoce.recognition.contract import Capabilities, DecodeRequest

LENGTH_BYTES = 4
MAX_FRAME_BYTES = 64 * 1024 * 1024
"""Four spans of a minute with context take a third of this."""

_LOADER = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class EngineSpec(msgspec.Struct, frozen=True, tag=True):
    """Which engine a worker loads.

    Attributes:
        loader: ``package.module:function``; the function returns an ``Engine``.
        arguments: keyword arguments of the function, plain data.
        memory_mb: megabytes that a process with the engine takes, roughly.

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
    """The worker has read what it is to decode: from now on that may be what kills it."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The engine is loaded and warm; the process holds so much memory."""

    capabilities: Capabilities
    resident_bytes: int = 0


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The engine could not be loaded; the worker exits."""

    error: str


class Answer(msgspec.Struct, frozen=True):
    """What the engine said to one request: an unchecked hypothesis, or why there is none.

    ``hypothesis`` stays encoded, so that nonsense in one answer spoils no other.
    """

    hypothesis: bytes = b""
    error: str = ""


class Decoded(msgspec.Struct, frozen=True, tag=True):
    """One answer for each request, in order, the CPU time they took, and the memory held now."""

    answers: tuple[Answer, ...]
    cpu_seconds: float
    resident_bytes: int = 0


ToWorker = EngineSpec | Decode
FromWorker = Ready | Refused | Begun | Decoded


class FrameError(Exception):
    """The other side does not speak this language, or was cut off in mid-frame."""


def pack(message: ToWorker | FromWorker) -> bytes:
    """Encode a message with its length in front.

    Raises:
        FrameError: it is longer than ``MAX_FRAME_BYTES``.
        TypeError: it holds something that is not plain data.
    """
    payload = msgspec.msgpack.encode(message)
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes is over the limit")
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def payload_length(header: bytes) -> int:
    """The number of payload bytes that follow a frame's first ``LENGTH_BYTES``.

    Raises:
        FrameError: it is over the limit, so this is no header.
    """
    length = int.from_bytes(header, "big")
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes is over the limit")
    return length


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one payload; ``None`` at the end of the stream.

    Raises:
        FrameError: the stream ended inside a frame, or holds something else.
    """
    header = stream.read(LENGTH_BYTES)
    if not header:
        return None
    length = payload_length(header)
    payload = stream.read(length)
    if len(header) < LENGTH_BYTES or len(payload) < length:
        raise FrameError("the stream ended inside a frame")
    return payload
