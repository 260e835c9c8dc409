"""Inspects chunks as sent, for containers, headers, JSON messages, packets and odd sizes."""

import json
import re
from collections.abc import Sequence
from typing import Final

from vivavoce.audio.arrival_rate import ArrivalRate
from vivavoce.audio.findings import Finding
from vivavoce.audio.format import AudioFormat
from vivavoce.audio.suspicion import LEAST_TEXT, suspicion

HEADERS: Final = 3
"""Number of WAV headers in a session that cannot be an accident."""

OPUS_PACKETS: Final = 50
"""Consecutive packets that share their first byte and differ in size from the previous one."""
MAX_OPUS_BYTES: Final = 1275
_OPUS_SIZES: Final = 8
_OPUS_VARIETY: Final = 0.4
"""Least ratio of distinct bytes to packet size; samples of silence repeat themselves."""
_LEAST_PACKET: Final = 3

_HEADER_MARKS: Final = (b"RIFF", b"RF64", b"BW64")
_WAVE: Final = b"WAVE"
_WAVE_AT: Final = slice(8, 12)
_LEAST_HEADER: Final = 44
_MESSAGE: Final = re.compile(rb'\s*\{[^\0]{0,200}?"type"\s*:\s*"(\w{1,32})"')
_MESSAGE_TYPES: Final = frozenset({b"audio_chunk", b"stop_recording", b"finalize"})
MOST_PARSED: Final = 4096
"""Longest binary frame parsed as JSON, in bytes; of longer ones only the ends are checked."""


_SUSPECT_STARTS: Final = b"RB{ \n"
"""First bytes of WAV headers and of JSON."""


class ChunkInspector:
    """Inspects each chunk of a session once, in order, in bounded memory and time.

    Attributes:
        odd_chunk: number (from 1) and size of the first chunk that was not a whole number of
            samples, or None.
    """

    def __init__(self, audio: AudioFormat, *, from_start: bool) -> None:
        """Start at a session's first chunk or, after a restart, at a later one."""
        self.odd_chunk: tuple[int, int] | None = None
        self._sample_bytes = audio.sample_bytes
        self._rate: ArrivalRate | None = ArrivalRate(audio)
        self._beginning: bytearray | None = bytearray() if from_start else None
        self._number = 0
        self._headers = 0
        self._last_size = 0  # of the last chunk inspected closely; Opus packets differ in size
        self._packets = _OpusPackets()

    def inspect(self, chunk: bytes, now: float) -> Sequence[Finding]:
        """Inspect a chunk that arrived at ``now``, in seconds on a monotonic clock."""
        size = len(chunk)
        if not size:
            return ()
        self._number += 1
        if (
            (size > MAX_OPUS_BYTES or size == self._last_size)
            and chunk[0] not in _SUSPECT_STARTS
            and not size % self._sample_bytes
            and self._beginning is None
        ):  # nearly all chunks: samples, judging by the size and the first byte
            found = []
        else:
            self._last_size = size
            found = self._inspect_closely(chunk)
        if self._rate is not None and (finding := self._rate.take(size, now)):
            self._rate = None
            found.append(finding)
        return found

    def _inspect_closely(self, chunk: bytes) -> list[Finding]:
        found = [
            self._take_beginning(chunk) if self._beginning is not None else None,
            self._find_header(chunk) if chunk[:1] in b"RB" else None,
            _find_message(chunk) if chunk[0] in b"{ \n" else None,
            self._packets.take(chunk) if len(chunk) <= MAX_OPUS_BYTES else None,
        ]
        if self.odd_chunk is None and len(chunk) % self._sample_bytes and not self._is_head(chunk):
            self.odd_chunk = self._number, len(chunk)
        return [finding for finding in found if finding is not None]

    def _is_head(self, chunk: bytes) -> bool:
        return self._number == 1 and chunk[:4] in _HEADER_MARKS

    def _take_beginning(self, chunk: bytes) -> Finding | None:
        assert self._beginning is not None  # noqa: S101  checked by the caller
        self._beginning += chunk[:LEAST_TEXT]
        kind = suspicion(bytes(self._beginning))
        if kind is not None or len(self._beginning) >= LEAST_TEXT:
            self._beginning = None
        if kind is None:
            return None
        what = f"the audio looks like {kind}, not like samples"
        if kind == "text":
            return Finding("message", f"{what}: send samples, in binary frames or as base64")
        advice = 'decode it first and send PCM samples (encoding "wav/pcm")'
        return Finding("compressed", f"{what}: {advice}")

    def _find_header(self, chunk: bytes) -> Finding | None:
        if chunk[:4] not in _HEADER_MARKS or chunk[_WAVE_AT] != _WAVE:
            return None
        self._headers += 1
        if self._headers != HEADERS:
            return None
        return Finding(
            "headers",
            f"{HEADERS} of {self._number} chunks begin with a WAV header, which sounds as a click:"
            f" send a header before the first chunk only, or none (skip the first {_LEAST_HEADER}"
            " bytes of each)",
        )


def _find_message(chunk: bytes) -> Finding | None:
    """Return a finding if a binary frame is a whole JSON message that belongs in a text frame."""
    found = _MESSAGE.match(chunk)
    if found is None or found[1] not in _MESSAGE_TYPES or chunk[-8:].rstrip()[-1:] != b"}":
        return None
    if len(chunk) <= MOST_PARSED:
        try:
            json.loads(chunk)
        except (ValueError, RecursionError):
            return None
    name = found[1].decode()
    return Finding(
        "message",
        f"a binary frame holds a JSON message of type '{name}', and was taken as audio: send"
        " messages as text frames",
    )


class _OpusPackets:
    """Recognises Opus packets without a container, one per chunk, as voice chats send them."""

    def __init__(self) -> None:
        self._first = -1
        self._count = 0
        self._sizes: set[int] = set()

    def take(self, chunk: bytes) -> Finding | None:
        """Count a short chunk."""
        if len(chunk) < _LEAST_PACKET or chunk[0] != self._first:
            self._first, self._count, self._sizes = chunk[0], 0, set()
        self._count += 1
        self._sizes.add(len(chunk))
        if self._count < OPUS_PACKETS:
            return None
        various = len(set(chunk)) >= _OPUS_VARIETY * min(len(chunk), 256)
        is_opus = various and len(self._sizes) >= _OPUS_SIZES
        self._count, self._sizes = 0, set()
        if not is_opus:
            return None
        return Finding(
            "compressed",
            "the audio looks like Opus packets, which are not supported: decode them first and"
            ' send PCM samples (encoding "wav/pcm")',
        )
