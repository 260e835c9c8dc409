"""Reads the WAV header a client may send before its audio, from arbitrarily split bytes.

The header is optional (contract §1.3). Its bytes count as byte positions but have no duration.
The size a header states for its ``data`` chunk is ignored: a streaming client does not know it
yet and writes 0, 0xFFFFFFFF or a guess.
"""

from struct import Struct
from typing import Final

import msgspec

from vivavoce.audio.format import AudioFormat, Encoding

MAX_HEADER_BYTES: Final = 64 * 1024
"""Longer headers are refused, so that a stream cannot be held back indefinitely."""

MAX_HEADER_CHUNKS: Final = 64
"""Bounds the work too: a header that arrives byte by byte is parsed again each time."""

_FORMS: Final = (b"RIFF", b"RF64", b"BW64")
_BIG_ENDIAN_FORM: Final = b"RIFX"
_PREAMBLE_BYTES: Final = 12  # form, size, "WAVE"
_CHUNK: Final = Struct("<4sI")
_FMT: Final = Struct("<HHIIHH")
_EXTENSION: Final = Struct("<HHIH14s")
_GUID_TAIL: Final = bytes.fromhex("000000001000800000aa00389b71")
_EXTENSIBLE_TAG: Final = 0xFFFE
_TAG_ENCODINGS: Final = {1: Encoding.PCM, 6: Encoding.ALAW, 7: Encoding.ULAW}
_TAG_NAMES: Final = {1: "PCM", 3: "floating point", 6: "A-law", 7: "µ-law"}
_ENCODING_TAGS: Final = {encoding: tag for tag, encoding in _TAG_ENCODINGS.items()}


class AudioFormatError(ValueError):
    """The audio does not match the session's declaration; the text is meant for the client."""


class StatedFormat(msgspec.Struct, frozen=True):
    """The format a WAV header states, which this server may not support."""

    tag: int
    bits: int
    sample_rate: int
    channels: int

    @classmethod
    def of(cls, declared: AudioFormat) -> "StatedFormat":
        """Return the format that a header for ``declared`` would state."""
        tag = _ENCODING_TAGS[declared.encoding]
        return cls(tag, declared.sample_bytes * 8, declared.sample_rate, declared.channels)

    def __str__(self) -> str:
        coding = _TAG_NAMES.get(self.tag, f"format 0x{self.tag:04X}")
        channels = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        return f"{self.bits}-bit {coding}, {self.sample_rate} Hz, {channels}"


class WavHeader(msgspec.Struct, frozen=True):
    """The header before the audio.

    Attributes:
        size: header bytes; 0 for raw audio.
        stated: the format the header states; ``None`` for raw audio.
    """

    size: int = 0
    stated: StatedFormat | None = None


def inspect_header(prefix: bytes | bytearray) -> WavHeader | None:
    """Read the header at the beginning of a session's bytes.

    Args:
        prefix: all bytes received so far.

    Returns:
        The header, or ``None`` while more bytes are needed.

    Raises:
        AudioFormatError: if the header is big-endian, malformed or too long.
    """
    if not _may_be_header(prefix):
        return WavHeader()
    if len(prefix) < _PREAMBLE_BYTES:
        return None
    if prefix.startswith(_BIG_ENDIAN_FORM):
        raise AudioFormatError("big-endian WAV (RIFX) is not supported; send little-endian audio")
    return _walk_chunks(prefix)


def _may_be_header(prefix: bytes | bytearray) -> bool:
    form, kind = bytes(prefix[:4]), bytes(prefix[8:_PREAMBLE_BYTES])
    forms = (*_FORMS, _BIG_ENDIAN_FORM)
    return any(name.startswith(form) for name in forms) and b"WAVE".startswith(kind)


def _walk_chunks(prefix: bytes | bytearray) -> WavHeader | None:
    stated = None
    position = _PREAMBLE_BYTES
    for _ in range(MAX_HEADER_CHUNKS):
        body = position + _CHUNK.size
        if body > len(prefix):
            break
        name, size = _CHUNK.unpack_from(prefix, position)
        if name == b"data":
            return _header_with(body, stated)
        position = body + size + size % 2  # chunks are padded to even sizes
        if name == b"fmt " and position <= len(prefix):
            stated = _read_format(bytes(prefix[body : body + size]))
    else:
        raise AudioFormatError(f"the WAV header has {MAX_HEADER_CHUNKS} chunks and no data chunk")
    if max(position, len(prefix)) > MAX_HEADER_BYTES:
        limit = MAX_HEADER_BYTES // 1024
        raise AudioFormatError(f"the WAV header has no data chunk in its first {limit} KiB")
    return None


def _header_with(size: int, stated: StatedFormat | None) -> WavHeader:
    if stated is None:
        raise AudioFormatError("the WAV header has no format chunk before its data")
    return WavHeader(size, stated)


def _read_format(body: bytes) -> StatedFormat:
    if len(body) < _FMT.size:
        raise AudioFormatError(f"the WAV header's format chunk has only {len(body)} bytes")
    tag, channels, rate, _, _, bits = _FMT.unpack_from(body)
    if tag == _EXTENSIBLE_TAG:
        tag = _read_subformat(body[_FMT.size :])
    container_bits = -(-bits // 8) * 8
    return StatedFormat(tag, container_bits, rate, channels)


def _read_subformat(extension: bytes) -> int:
    if len(extension) < _EXTENSION.size:
        raise AudioFormatError("the WAV header's extensible format chunk is cut short")
    *_, tag, guid_tail = _EXTENSION.unpack_from(extension)
    return int(tag) if guid_tail == _GUID_TAIL else _EXTENSIBLE_TAG


class HeaderReader:
    """Separates a session's audio from an optional header before it.

    Raw audio passes as soon as its first bytes rule out a header (usually the very first byte).

    Attributes:
        size: header bytes, or ``None`` while undecided.
    """

    def __init__(self, declared: AudioFormat, *, size: int | None = None) -> None:
        """Start at a session's first byte, or after a header of known ``size``."""
        self.size = size
        self._declared = StatedFormat.of(declared)
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Process the next bytes and return the audio among them.

        Bytes that raise an error are not consumed: other bytes may follow in their place.

        Raises:
            AudioFormatError: if the header is unreadable or disagrees with the declaration.
        """
        if self.size is not None:
            return data
        header = self._inspect(self._held + data[: MAX_HEADER_BYTES + 1])
        if header is None:
            self._held += data
            return b""
        self.size = header.size
        return self._release(header.size, data)

    def finish(self) -> bytes:
        """Decide at the end of the session: an incomplete header is a header, the rest is audio."""
        if self.size is None:
            self.size = len(self._held) if len(self._held) >= _PREAMBLE_BYTES else 0
        return self._release(self.size)

    def _inspect(self, beginning: bytearray) -> WavHeader | None:
        header = inspect_header(beginning)
        stated = header.stated if header else None
        if stated is not None and stated != self._declared:
            raise AudioFormatError(
                f"the WAV header says {stated}, but the session was declared as {self._declared}"
            )
        return header

    def _release(self, size: int, data: bytes = b"") -> bytes:
        """Return the audio in the held bytes and in ``data``, copying only where necessary."""
        beyond = max(size - len(self._held), 0)
        held, self._held = bytes(self._held[size:]), bytearray()
        return held + data[beyond:] if held else data[beyond:]
