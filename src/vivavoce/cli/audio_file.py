"""Reads audio files as the protocol requires: a declared format and raw little-endian samples.

Samples are sent bit for bit if the protocol supports their format; floats and lossy codecs become
24 and 16 bit, and unsupported sample rates become 16 kHz.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import soundfile

from vivavoce.audio.format import AudioFormat
from vivavoce.cli.failures import BadInputError

WIRE_RATES = (8000, 16_000, 32_000, 44_100, 48_000)
"""Sample rates of contract §1.3."""
COMMON_RATE = 16_000
MAX_CHANNELS = 8
CHUNKS_PER_SECOND = 10

_ReadAs = Literal["int16", "int32", "float64"]

# By the file's subtype: how samples are read, and how many bits are sent.
_EXACT: dict[str, tuple[_ReadAs, int]] = {
    "PCM_U8": ("int16", 8),
    "PCM_S8": ("int16", 8),
    "PCM_16": ("int16", 16),
    "PCM_24": ("int32", 24),
    "PCM_32": ("int32", 32),
    "ULAW": ("int16", 16),
    "ALAW": ("int16", 16),
    "FLOAT": ("float64", 24),
    "DOUBLE": ("float64", 24),
}
_LOSSY: tuple[_ReadAs, int] = ("float64", 16)


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A readable file of 1 to 8 channels.

    Attributes:
        path: the file.
        file_rate: its sample rate.
        format: format of the audio that ``chunks`` yields.
        seconds: its duration; never more than the header states.
    """

    path: Path
    file_rate: int
    format: AudioFormat
    seconds: float
    read_as: _ReadAs

    def chunks(self, limit: float | None = None) -> Iterator[bytes]:
        """Yield raw audio in pieces of about 100 ms, at most ``limit`` seconds in total.

        Raises:
            BadInputError: the file is damaged and cannot be read further.
        """
        frames = -1 if limit is None else round(limit * self.file_rate)
        convert = self._converter()
        try:
            with soundfile.SoundFile(self.path) as file:
                size = file.samplerate // CHUNKS_PER_SECOND
                for block in file.blocks(size, frames=frames, dtype=self.read_as, always_2d=True):
                    yield convert(block, last=False)
        except soundfile.SoundFileError as error:
            raise _unreadable(self.path, error) from error
        if rest := convert(None, last=True):
            yield rest

    def _converter(self) -> Callable[..., bytes]:
        depth = self.format.bit_depth
        if self.file_rate == self.format.sample_rate:
            return lambda block, *, last: b"" if last else _packed(block, depth)
        return _resampler(self.file_rate, self.format.channels, depth)


def open_audio(path: Path) -> AudioFile:
    """Inspect a WAV or FLAC file, or any other that libsndfile reads.

    Raises:
        BadInputError: the file does not exist, has no audio, or the protocol cannot carry it.
    """
    if not path.is_file():
        raise BadInputError(f"there is no file {path}")
    try:
        info = soundfile.info(path)
    except soundfile.SoundFileError as error:
        raise _unreadable(path, error) from error
    if not info.frames:
        raise BadInputError(f"{path} holds no audio")
    if info.channels > MAX_CHANNELS:
        raise BadInputError(f"{path} has {info.channels} channels, {MAX_CHANNELS} is the most")
    read_as, depth = _EXACT.get(info.subtype, _LOSSY)
    rate = info.samplerate
    if rate not in WIRE_RATES:
        _need_resampler(path, rate)
        read_as, depth, rate = "float64", max(16, min(depth, 24)), COMMON_RATE
    wire = AudioFormat(bit_depth=depth, sample_rate=rate, channels=info.channels)
    return AudioFile(path, info.samplerate, wire, info.duration, read_as)


def declared(wire: AudioFormat) -> dict[str, Any]:
    """Return the fields of an ``InitRequest`` that declare the audio format."""
    return {
        "bit_depth": wire.bit_depth,
        "sample_rate": wire.sample_rate,
        "channels": wire.channels,
    }


def _unreadable(path: Path, error: Exception) -> BadInputError:
    return BadInputError(f"{path} cannot be read as audio: {error}")


def _need_resampler(path: Path, rate: int) -> None:
    if find_spec("soxr") is None:
        known = ", ".join(map(str, WIRE_RATES))
        raise BadInputError(
            f"{path} has a sample rate of {rate}; the server takes {known}. "
            "With soxr it is resampled: pip install 'vivavoce[server]'"
        )


def _resampler(rate: int, channels: int, depth: int) -> Callable[..., bytes]:
    """Return a converter that also resamples blocks to 16 kHz, without gaps between blocks."""
    import numpy  # noqa: ICN001, PLC0415  loaded by soundfile; not needed for help
    import soxr  # noqa: PLC0415  only in the server extra

    stream = soxr.ResampleStream(rate, COMMON_RATE, channels, dtype="float64")
    nothing = numpy.empty((0, channels))

    def convert(block: Any, *, last: bool) -> bytes:
        return _packed(stream.resample_chunk(nothing if last else block, last=last), depth)

    return convert


def _packed(block: Any, depth: int) -> bytes:
    """Encode samples shaped [frames, channels] as interleaved little-endian integers."""
    if block.dtype.kind == "f":
        top = 2.0 ** (depth - 1)
        scaled = (block * top).round()
        # A broken encoder writes NaN, which is sent as silence.
        scaled[scaled != scaled] = 0  # noqa: PLR0124  only NaN differs from itself
        block = scaled.clip(-top, top - 1).astype("<i4") << (32 - depth)
    width = block.dtype.itemsize * 8
    if depth == 8:  # noqa: PLR2004  a byte: unsigned, as in WAV
        return bytes(((block >> (width - 8)) + 128).astype("u1").tobytes())
    little = block.astype("<i2" if width == 16 else "<i4").tobytes()  # noqa: PLR2004  bits
    return bytes(_upper_bytes(little, width // 8, depth // 8))


def _upper_bytes(data: bytes, width: int, kept: int) -> bytes:
    """Return the ``kept`` most significant bytes of every little-endian ``width``-byte integer."""
    if kept == width:
        return data
    out = bytearray(len(data) // width * kept)
    for at in range(kept):
        out[at::kept] = data[width - kept + at :: width]
    return bytes(out)
