"""Open streams, kept so that growing audio is not decoded again from its start.

A stream is found by the audio that it has processed: a request whose audio begins with exactly
those samples continues it. A stream processes fixed chunks however the samples arrive, so the
answer is the same whether or not a stream exists, and a final stays a function of its request.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

_MOST = 32
_TAIL = 256


@dataclass(slots=True)
class Stream:
    """A recogniser's stream and a fingerprint of the bytes that it has processed."""

    state: Any
    heard: int = 0
    tail: bytes = b""
    digest: Any = field(default_factory=hashlib.blake2b)

    def hear(self, audio: bytes) -> bytes:
        """Record that the stream will process all of ``audio``, and return the new bytes."""
        new = audio[self.heard :]
        self.digest.update(new)
        self.heard = len(audio)
        self.tail = audio[-_TAIL:]
        return new

    def has_heard_the_beginning_of(self, audio: bytes) -> bool:
        """Return whether ``audio`` begins with the bytes that this stream has processed."""
        if self.heard > len(audio) or audio[max(self.heard - _TAIL, 0) : self.heard] != self.tail:
            return False
        return bool(self.digest.digest() == hashlib.blake2b(audio[: self.heard]).digest())


class Streams:
    """The most recently used streams; the oldest is evicted."""

    def __init__(self) -> None:
        self._streams: list[Stream] = []

    def take(self, audio: bytes) -> Stream | None:
        """Remove and return the stream that has processed most of this audio."""
        fitting = [stream for stream in self._streams if stream.has_heard_the_beginning_of(audio)]
        if not fitting:
            return None
        best = max(fitting, key=lambda stream: stream.heard)
        self._streams.remove(best)
        return best

    def keep(self, stream: Stream) -> None:
        """Put a stream back for later audio."""
        self._streams.append(stream)
        del self._streams[:-_MOST]
