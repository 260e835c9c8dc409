"""Streams that are under way, so that growing audio is not heard again from its start.

A stream is found by what it has heard: a request whose audio begins with exactly those samples
goes on with it. So the answer is the same whether the stream is there or not (a stream hears in
chunks of its own, however the samples come), and a final stays a function of its request.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

_MOST = 32
_TAIL = 256


@dataclass(slots=True)
class Stream:
    """A recogniser's stream and a fingerprint of the bytes it has heard."""

    state: Any
    heard: int = 0
    tail: bytes = b""
    digest: Any = field(default_factory=hashlib.blake2b)

    def hear(self, audio: bytes) -> bytes:
        """Note that the stream will have heard all of ``audio``; returns what is new to it."""
        new = audio[self.heard :]
        self.digest.update(new)
        self.heard = len(audio)
        self.tail = audio[-_TAIL:]
        return new

    def has_heard_the_beginning_of(self, audio: bytes) -> bool:
        """Whether ``audio`` begins with what this stream has heard."""
        if self.heard > len(audio) or audio[max(self.heard - _TAIL, 0) : self.heard] != self.tail:
            return False
        return bool(self.digest.digest() == hashlib.blake2b(audio[: self.heard]).digest())


class Streams:
    """The streams used last; the oldest gives way."""

    def __init__(self) -> None:
        self._streams: list[Stream] = []

    def take(self, audio: bytes) -> Stream | None:
        """Take out the stream that has heard most of this audio."""
        fitting = [stream for stream in self._streams if stream.has_heard_the_beginning_of(audio)]
        if not fitting:
            return None
        best = max(fitting, key=lambda stream: stream.heard)
        self._streams.remove(best)
        return best

    def keep(self, stream: Stream) -> None:
        """Put a stream back for the audio to come."""
        self._streams.append(stream)
        del self._streams[:-_MOST]
